//! A person who logs in at the full stand-in.

use reqwest::{Client, Response, header};
use url::Url;

use super::client;

/// A person with a browser.
pub struct Visitor(Client);

impl Visitor {
    pub fn new() -> Self {
        Self(client())
    }

    /// One login: home page, redirect to the provider, approval, callback, token page. Returns the cookies of the
    /// session.
    pub async fn log_in(&self, app: &Url) -> String {
        let get = |url: Url, cookie: String| self.0.get(url).header(header::COOKIE, cookie).send();
        get(app.clone(), String::new()).await.expect("the home page").bytes().await.expect("whole");
        let start = get(app.join("/auth/videoask").expect("a URL"), String::new()).await.expect("the way there");
        let approval = self
            .0
            .post(location(&start))
            .form(&[("user", "ada@example.com"), ("decision", "approve")])
            .send()
            .await
            .expect("the provider answers");
        let callback = get(location(&approval), cookies(&start)).await.expect("the way back");
        let session = cookies(&callback);
        let tokens = get(app.join("/tokens").expect("a URL"), session.clone()).await.expect("the token page");
        assert_eq!(tokens.status(), 200);
        assert!(tokens.text().await.expect("whole").contains("id=\"access-token\""));
        session
    }
}

fn location(response: &Response) -> Url {
    let location = response.headers().get(header::LOCATION).expect("a redirect").to_str().expect("ASCII");
    response.url().join(location).expect("a URL")
}

fn cookies(response: &Response) -> String {
    let set = response.headers().get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let pairs: Vec<_> = set.filter_map(|cookie| cookie.split(';').next()).collect();
    pairs.join("; ")
}
