//! A person with the token page open.

use std::sync::Arc;

use reqwest::{Method, RequestBuilder};
use tokio::task::JoinHandle;
use url::Url;

use crate::support::{Page, Server, browser::Browser};

pub const EMAIL: &str = "ada@example.com";

/// A browser that is logged in, and the token set that its page shows. All servers on one store know its session.
#[derive(Clone)]
pub struct Person {
    browser: Browser,
    shown: Arc<ShownTokens>,
}

/// The token set that a page shows.
#[derive(Debug, PartialEq, Eq)]
pub struct ShownTokens {
    connection: String,
    pub generation: u64,
    pub access_token: String,
}

/// The result of pressing "Refresh now".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshResult {
    /// There is a newer token set.
    Newer,
    /// The connection has ended.
    LoginNeeded,
    /// A page with another status.
    Else(u16),
    /// The server ended before it answered.
    Unanswered,
}

impl Person {
    pub async fn log_in(server: &Server) -> Self {
        let browser = server.browser();
        let page = server.log_in(&browser).await;
        assert_eq!(page.status, 200, "{}", page.text());
        Self { browser, shown: Arc::new(ShownTokens::on(&page)) }
    }

    /// What the token page of this server shows now.
    pub async fn look(&self, server: &Url) -> ShownTokens {
        let page = self.browser.get(server.join("/tokens").unwrap().as_str()).await;
        assert_eq!(page.status, 200, "{}", page.text());
        ShownTokens::on(&page)
    }

    /// Loads the token page. Later presses refer to the token set that it shows.
    pub async fn reload(&mut self, server: &Url) {
        self.shown = Arc::new(self.look(server).await);
    }

    pub fn shown(&self) -> &ShownTokens {
        &self.shown
    }

    /// Presses "Refresh now", for the token set that the page shows. The request goes to this server.
    pub async fn press(&self, server: &Url) -> RefreshResult {
        let form = [("connection", self.shown.connection.clone()), ("generation", self.shown.generation.to_string())];
        let url = server.join("/tokens/refresh").unwrap();
        let form = |request: RequestBuilder| request.header("sec-fetch-site", "same-origin").form(&form);
        let Ok(page) = self.browser.try_send(Method::POST, &url, form).await else { return RefreshResult::Unanswered };
        match page.status {
            303 => RefreshResult::Newer,
            409 if page.title() == "The connection was lost" => RefreshResult::LoginNeeded,
            status => RefreshResult::Else(status),
        }
    }

    /// Presses "Refresh now" without waiting for the result.
    pub fn begin_to_press(&self, server: &Url) -> JoinHandle<RefreshResult> {
        let (person, server) = (self.clone(), server.clone());
        tokio::spawn(async move { person.press(&server).await })
    }
}

impl ShownTokens {
    fn on(page: &Page) -> Self {
        let text = page.text();
        let hidden = |name: &str| {
            let (_, rest) = text.split_once(&format!("name=\"{name}\" value=\"")).expect("the page has the button");
            rest.split_once('"').expect("a value").0.to_owned()
        };
        Self {
            connection: hidden("connection"),
            generation: hidden("generation").parse().expect("a number"),
            access_token: page.element("access-token").expect("the page shows it"),
        }
    }
}
