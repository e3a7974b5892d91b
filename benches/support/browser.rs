//! A user with a browser, for any of the servers.

use std::collections::BTreeMap;

use reqwest::{Client, Response, header};
use url::Url;

use super::{client, standin};

/// The pages of a login at one server.
pub struct Site {
    pub home: Url,
    /// Sends the browser to the provider.
    pub start: Url,
    /// Shows the tokens.
    pub tokens: Url,
}

/// Why a login did not end at a page with the user's access token.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("no response")]
    NoResponse(#[from] reqwest::Error),
    #[error("{0} does not redirect")]
    NoRedirect(Url),
    #[error("the last page does not have the access token")]
    OtherPage,
}

pub struct Browser {
    client: Client,
    user: String,
    access_token: String,
    cookies: BTreeMap<String, String>,
}

impl Site {
    pub fn new(url: &Url, start: &str) -> Self {
        let page = |path| url.join(path).expect("a URL");
        Self { home: page("/"), start: page(start), tokens: page("/tokens") }
    }
}

impl Browser {
    /// The browser of the user with this number, with its own connection.
    pub fn new(number: usize) -> Self {
        let user = standin::user(number);
        let access_token = standin::access_token(&user);
        Self { client: client(), user, access_token, cookies: BTreeMap::new() }
    }

    /// One login without earlier cookies: home page, redirect to the provider, callback, token page. The browser does
    /// not request the provider's page but builds the callback itself, so that page has no part in the measured time.
    pub async fn log_in(&mut self, site: &Site) -> Result<(), Failed> {
        self.cookies.clear();
        self.get(site.home.clone()).await?.bytes().await?;
        let authorize = self.get(site.start.clone()).await?;
        let callback = self.callback(&location(&authorize)?)?;
        location(&self.get(callback).await?)?;
        let tokens = self.get(site.tokens.clone()).await?.text().await?;
        if tokens.contains(&self.access_token) { Ok(()) } else { Err(Failed::OtherPage) }
    }

    /// The value of the header `Cookie`.
    pub fn cookie(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    async fn get(&mut self, url: Url) -> Result<Response, Failed> {
        let mut request = self.client.get(url);
        if !self.cookies.is_empty() {
            request = request.header(header::COOKIE, self.cookie());
        }
        let response = request.send().await?;
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().ok().and_then(|cookie| cookie.split(';').next()?.split_once('='));
            let (name, value) = pair.expect("a cookie with a name");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        Ok(response)
    }

    /// The callback URL to which the provider would redirect this user.
    fn callback(&self, authorize: &Url) -> Result<Url, Failed> {
        let query: BTreeMap<_, _> = authorize.query_pairs().collect();
        let mut callback: Url = query
            .get("redirect_uri")
            .and_then(|uri| uri.parse().ok())
            .ok_or_else(|| Failed::NoRedirect(authorize.clone()))?;
        let nonce = query.get("nonce").map_or("none", |nonce| nonce);
        callback.query_pairs_mut().append_pair("code", &standin::code(&self.user, nonce));
        if let Some(state) = query.get("state") {
            callback.query_pairs_mut().append_pair("state", state);
        }
        Ok(callback)
    }
}

fn location(response: &Response) -> Result<Url, Failed> {
    let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    location
        .and_then(|location| response.url().join(location).ok())
        .ok_or_else(|| Failed::NoRedirect(response.url().clone()))
}
