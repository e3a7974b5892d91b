//! The HTTP part of a browser: it keeps cookies by host, and follows redirects where a test wants that.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use reqwest::{
    Client, Method, RequestBuilder, Response,
    header::{COOKIE, HeaderMap, SET_COOKIE},
    redirect::Policy,
};
use url::Url;

/// Cookies by host and name; ports share them, as in real browsers.
type Jar = BTreeMap<(String, String), String>;

#[derive(Clone)]
pub struct Browser {
    client: Client,
    home: Url,
    jar: Arc<Mutex<Jar>>,
}

#[derive(Debug)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Browser {
    pub fn new(home: Url) -> Self {
        Self { client: client(), home, jar: Arc::default() }
    }

    /// Requests a path of the app or an absolute URL, and follows no redirect.
    pub async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, &self.url(path), |request| request).await
    }

    /// Sends one of the app's forms, as its own page would.
    pub async fn post(&self, path: &str) -> Page {
        self.send(Method::POST, &self.url(path), |request| request.header("sec-fetch-site", "same-origin")).await
    }

    pub async fn send(&self, method: Method, url: &Url, with: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Page {
        self.try_send(method, url, with).await.expect("the server answers, and whole")
    }

    /// The same for a server that may end before it has answered.
    pub async fn try_send(
        &self,
        method: Method,
        url: &Url,
        with: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> reqwest::Result<Page> {
        let request = with(self.client.request(method, url.clone()).header(COOKIE, self.cookies(url)));
        let response = request.send().await?;
        self.keep(url, response.headers());
        Page::of(response).await
    }

    /// Requests a page, and follows all redirects.
    pub async fn open(&self, path: &str) -> Page {
        self.follow(self.get(path).await).await
    }

    pub async fn follow(&self, mut page: Page) -> Page {
        for _ in 0..10 {
            let Some(next) = page.location() else { return page };
            page = self.send(Method::GET, &next, |request| request).await;
        }
        panic!("more than ten redirects, the last to {}", page.url);
    }

    /// Starts a login, and returns the stand-in's page.
    pub async fn begin(&self) -> Page {
        let page = self.open("/auth/videoask").await;
        assert_eq!((page.status, page.url.path()), (200, "/authorize"), "{}", page.text());
        page
    }

    /// Presses a button on the stand-in's page. The response is the redirect to the callback.
    pub async fn decide(&self, page: &Page, user: &str, decision: &str) -> Page {
        let form = [("user", user), ("decision", decision)];
        self.send(Method::POST, &page.url, |request| request.form(&form)).await
    }

    /// Approves the login, and returns the URL of the callback without opening it.
    pub async fn approve(&self, page: &Page, user: &str) -> Url {
        let answer = self.decide(page, user, "approve").await;
        answer.location().unwrap_or_else(|| panic!("approving redirects: {}", answer.text()))
    }

    /// Completes a whole login, and returns the page that it ends on.
    pub async fn log_in(&self, user: &str) -> Page {
        let page = self.begin().await;
        let callback = self.approve(&page, user).await;
        self.open(callback.as_str()).await
    }

    /// The names of the cookies this browser holds for the app.
    pub fn cookie_names(&self) -> Vec<String> {
        let jar = self.jar.lock().expect("no test panics here");
        jar.keys()
            .filter(|(host, _)| Some(host.as_str()) == self.home.host_str())
            .map(|(_, name)| name.clone())
            .collect()
    }

    /// The values of all cookies, which are secret.
    pub fn cookie_values(&self) -> Vec<String> {
        self.jar.lock().expect("no test panics here").values().cloned().collect()
    }

    /// The header `Cookie` that the browser sends to the app.
    pub fn cookie_header(&self) -> String {
        self.cookies(&self.home)
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        let host = self.home.host_str().expect("the app has a host").to_owned();
        self.jar.lock().expect("no test panics here").insert((host, name.to_owned()), value.to_owned());
    }

    /// A second browser with a copy of the cookies, as if it had stolen them.
    pub fn stolen(&self) -> Self {
        let jar = self.jar.lock().expect("no test panics here").clone();
        Self { jar: Arc::new(Mutex::new(jar)), ..self.clone() }
    }

    pub fn url(&self, path: &str) -> Url {
        self.home.join(path).expect("a path or an absolute URL")
    }

    fn cookies(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        let jar = self.jar.lock().expect("no test panics here");
        let pairs = jar.iter().filter(|((of, _), _)| of == host).map(|((_, name), value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn keep(&self, url: &Url, headers: &HeaderMap) {
        let host = url.host_str().unwrap_or_default();
        let mut jar = self.jar.lock().expect("no test panics here");
        for cookie in headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()) {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name and a value");
            let key = (host.to_owned(), name.trim().to_owned());
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                jar.remove(&key);
            } else {
                jar.insert(key, value.to_owned());
            }
        }
    }
}

impl Page {
    pub async fn of(response: Response) -> reqwest::Result<Self> {
        let (url, status, headers) = (response.url().clone(), response.status().as_u16(), response.headers().clone());
        Ok(Self { url, status, headers, body: response.bytes().await?.to_vec() })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn location(&self) -> Option<Url> {
        Some(self.url.join(self.header("location")?).expect("a redirect leads to a URL"))
    }

    /// The text of the element with this id, with HTML entities decoded.
    pub fn element(&self, id: &str) -> Option<String> {
        let text = self.text();
        let (_, rest) = text.split_once(&format!("id=\"{id}\">"))?;
        let (inner, _) = rest.split_once('<')?;
        Some(unescape(inner))
    }

    pub fn title(&self) -> String {
        let text = self.text();
        let inner = text.split_once("<h1>").and_then(|(_, rest)| rest.split_once("</h1>")).map(|(inner, _)| inner);
        unescape(inner.unwrap_or_default())
    }
}

fn unescape(text: &str) -> String {
    text.replace("&#39;", "'").replace("&#34;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&#38;", "&")
}

#[expect(clippy::disallowed_methods, reason = "the tests' own client, which is no part of the program")]
pub fn client() -> Client {
    // All browsers share one client, because building one takes longer than most requests.
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        // The app installs this provider too, but only when it builds its first client.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(Duration::from_secs(600));
        // Each request gets its own connection. So the server cannot close one at the moment when it is reused, and the
        // connections that are open at the stand-in are those of the app.
        client.pool_max_idle_per_host(0).build().expect("a client without certificates of its own can be built")
    });
    CLIENT.clone()
}
