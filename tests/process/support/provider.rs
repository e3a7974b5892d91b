use std::{
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
    thread,
};

use reqwest::Method;
use standin::{Options, StandIn};
use tokio::sync::oneshot;
use url::Url;
use videoask_auth::clock::Clock;

use super::{browser::Browser, deployment::CALLBACK};

/// A stand-in on a thread of its own, so that a test may block until a process ends that calls the stand-in.
pub struct Provider {
    pub standin: StandIn,
    pub url: Url,
    client_secret: String,
    _running: oneshot::Sender<()>,
}

impl Provider {
    /// Starts a stand-in that knows this callback, with options that `set_up` changes.
    pub fn start(callback: &str, set_up: impl FnOnce(&mut Options)) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let clock = Clock::system();
        let mut options = Options::new(callback, Arc::new(move || clock.now()));
        set_up(&mut options);
        let client_secret = options.client_secret.clone();
        let standin = StandIn::new(options, url.clone());
        let (running, ended) = oneshot::channel();
        let serving = standin.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                // Nothing is ever sent: the stand-in stops when the sender is dropped.
                let ended = async { drop(ended.await) };
                serving.serve(listener, ended).await.unwrap();
            });
        });
        Self { standin, url, client_secret, _running: running }
    }

    /// A refresh token that another program of the same client received for this user.
    pub async fn refresh_token(&self, user: &str) -> String {
        let browser = Browser::new(self.url.clone());
        let mut authorize = self.url.join("/authorize").unwrap();
        authorize.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", "demo-client-id"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid profile email offline_access"),
            ("audience", "https://api.videoask.com/"),
            ("state", "of-another-program"),
        ]);
        let back = browser.approve(&browser.get(authorize.as_str()).await, user).await;
        let (_, code) = back.query_pairs().find(|(name, _)| name == "code").expect("it is approved");
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "demo-client-id"),
            ("client_secret", &self.client_secret),
            ("redirect_uri", CALLBACK),
            ("code", &code),
        ];
        let token = self.url.join("/oauth/token").unwrap();
        let reply = browser.send(Method::POST, &token, |request| request.form(&form)).await;
        let reply: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        reply["refresh_token"].as_str().expect("offline_access gives one").to_owned()
    }

    /// The e-mail address of the user whose access token this is, as the API's `/me` returns it.
    pub async fn owner_of(&self, access_token: &str) -> Option<String> {
        let me = self.url.join("/me").unwrap();
        let browser = Browser::new(self.url.clone());
        let reply = browser.send(Method::GET, &me, |request| request.bearer_auth(access_token)).await;
        let me: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        me["email"].as_str().map(str::to_owned)
    }
}
