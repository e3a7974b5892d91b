//! The harness: a stand-in on its own port, a clock that the tests set, and a client that knows the protocol.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use standin::{Options, Rotation, StandIn};
use time::OffsetDateTime;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use url::Url;

pub const CALLBACK: &str = "http://localhost:3000/auth/videoask/callback";
pub const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-a-verifier";
pub const SCOPES: &str = "openid profile email offline_access";

/// A running stand-in, with the requests that tests send to it.
pub struct Tenant {
    pub standin: StandIn,
    pub options: Options,
    pub clock: ManualClock,
    pub url: String,
    pub http: Client,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<std::io::Result<()>>>,
}

/// The time of a tenant. It stands still until a test advances it.
#[derive(Clone)]
pub struct ManualClock(Arc<Mutex<OffsetDateTime>>);

impl ManualClock {
    fn at(time: OffsetDateTime) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    pub fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }

    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

/// The parameters of a request, which a test can change.
#[derive(Clone)]
pub struct Form(BTreeMap<String, String>);

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub json: Value,
}

impl Tenant {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn rotating(leeway: Duration) -> Self {
        Self::with(|options| options.rotation = Rotation::On { leeway }).await
    }

    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let epoch = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let clock = ManualClock::at(epoch);
        let now = clock.clone();
        let mut options = Options::new(CALLBACK, Arc::new(move || now.now()));
        change(&mut options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let standin = StandIn::new(options.clone(), Url::parse(&url).unwrap());
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(standin.clone().serve(listener, async {
            let _ = stopped.await;
        }));
        let (stop, serving) = (Some(stop), Some(serving));
        Self { standin, options, clock, url, http: client(), stop, serving }
    }

    /// Tells the server to stop and waits until it has.
    pub async fn stop(&mut self) {
        drop(self.stop.take());
        tokio::time::timeout(Duration::from_secs(60), self.serving.take().unwrap()).await.unwrap().unwrap().unwrap();
    }

    pub fn authorize_form(&self) -> Form {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        Form::new(&[
            ("response_type", "code"),
            ("client_id", &self.options.client_id),
            ("redirect_uri", CALLBACK),
            ("scope", SCOPES),
            ("audience", &self.options.audience),
            ("state", "the state"),
            ("nonce", "the nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ])
    }

    pub fn code_form(&self, code: &str) -> Form {
        self.client_form("authorization_code")
            .set("code", code)
            .set("redirect_uri", CALLBACK)
            .set("code_verifier", VERIFIER)
    }

    pub fn refresh_form(&self, token: &str) -> Form {
        self.client_form("refresh_token").set("refresh_token", token)
    }

    fn client_form(&self, grant_type: &str) -> Form {
        let options = &self.options;
        Form::new(&[
            ("grant_type", grant_type),
            ("client_id", &options.client_id),
            ("client_secret", &options.client_secret),
        ])
    }

    /// The response to `GET /authorize`: a redirect or a page.
    pub async fn authorize(&self, form: &Form) -> Response {
        self.http.get(form.url(&self.url)).send().await.unwrap()
    }

    /// Presses a button of the login page.
    pub async fn press(&self, form: &Form, decision: &str, user: &str) -> Response {
        let fields = [("decision", decision), ("user", user)];
        self.http.post(form.url(&self.url)).form(&fields).send().await.unwrap()
    }

    pub async fn code_for(&self, form: &Form, user: &str) -> String {
        let answer = self.press(form, "approve", user).await;
        location(&answer).remove("code").expect("an approved request comes back with a code")
    }

    pub async fn code(&self) -> String {
        self.code_for(&self.authorize_form(), "ada@example.com").await
    }

    /// Logs Ada in, and returns the token response.
    pub async fn login(&self) -> Value {
        self.login_with(&self.authorize_form()).await
    }

    pub async fn login_with(&self, form: &Form) -> Value {
        let code = self.code_for(form, "ada@example.com").await;
        self.token(&self.code_form(&code)).await.granted()
    }

    pub async fn try_token(&self, form: &Form) -> reqwest::Result<Response> {
        self.http.post(format!("{}/oauth/token", self.url)).form(&form.0).send().await
    }

    pub async fn token(&self, form: &Form) -> Answer {
        Answer::of(self.try_token(form).await.unwrap()).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.token(&self.refresh_form(token)).await
    }

    /// Revokes a refresh token, and returns the status and body of the response.
    pub async fn revoke(&self, token: &str) -> (StatusCode, String) {
        let form = self.client_form("unused").set("token", token).without("grant_type");
        let answer = self.http.post(format!("{}/oauth/revoke", self.url)).form(&form.0).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    pub async fn api(&self, path: &str, token: &str) -> Answer {
        Answer::of(self.http.get(format!("{}{path}", self.url)).bearer_auth(token).send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.http.get(format!("{}{path}", self.url)).send().await.unwrap()).await
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

impl Form {
    pub fn new(fields: &[(&str, &str)]) -> Self {
        Self(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name).expect("a test takes away only what is there");
        self
    }

    pub fn json(&self) -> Value {
        json!(self.0)
    }

    pub fn url(&self, base: &str) -> Url {
        Url::parse_with_params(&format!("{base}/authorize"), &self.0).unwrap()
    }
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let status = response.status();
        let body = response.text().await.unwrap();
        Self { status, json: serde_json::from_str(&body).unwrap_or(Value::Null) }
    }

    /// The body. Panics if the request was not granted.
    #[track_caller]
    pub fn granted(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.json);
        self.json
    }

    #[track_caller]
    pub fn is(&self, status: u16, error: &str) {
        assert_eq!((self.status.as_u16(), &self.json["error"]), (status, &json!(error)), "{}", self.json);
    }

    #[track_caller]
    pub fn is_detail(&self, status: u16, detail: &str) {
        assert_eq!((self.status.as_u16(), &self.json), (status, &json!({ "detail": detail })));
    }

    #[track_caller]
    pub fn is_dead(&self) {
        self.is(403, "invalid_grant");
        assert_eq!(self.json["error_description"], "Unknown or invalid refresh token.");
    }
}

/// The query of a redirect to the callback.
#[track_caller]
pub fn location(answer: &Response) -> BTreeMap<String, String> {
    assert_eq!(answer.status(), StatusCode::FOUND);
    let location = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    assert_eq!(location.as_str().split('?').next(), Some(CALLBACK));
    location.query_pairs().into_owned().collect()
}

/// A text field of a reply, such as a token.
#[track_caller]
pub fn text<'a>(reply: &'a Value, name: &str) -> &'a str {
    reply[name].as_str().unwrap_or_else(|| panic!("{name} is not text"))
}

/// Header and claims of a JWT, unverified.
pub fn decode(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (next(), next())
}

#[expect(clippy::disallowed_methods, reason = "the tests look at the stand-in with a client that is not ours")]
fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(Duration::from_secs(60));
    client.pool_max_idle_per_host(0).build().unwrap()
}
