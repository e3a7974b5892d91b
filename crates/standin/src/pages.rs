//! The pages: login, error, and their stylesheet.

use askama::Template;
use axum::{
    Router,
    http::{StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use url::Url;

use super::{StandIn, users::User};

const STYLESHEET: &str = include_str!("../templates/style.css");

pub(super) fn routes() -> Router<StandIn> {
    Router::new().route("/_page/style.css", get(stylesheet))
}

/// The choice of accounts, and the scopes that the app asks for.
#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    /// The request's path and query, so that the form's request is checked like the page's.
    action: String,
    /// The origin of the callback, so that the user can recognize the app.
    application: String,
    accounts: Vec<Account>,
    scopes: Vec<Scope>,
}

struct Account {
    user: User,
    initials: String,
    preselected: bool,
}

struct Scope {
    name: String,
    meaning: &'static str,
}

impl LoginPage {
    pub(super) fn new(uri: &Uri, callback: &str, preselected: Option<User>, scope: &str) -> Self {
        let mut users = User::offered().to_vec();
        let selected = preselected.unwrap_or_else(|| users[0].clone());
        if !users.contains(&selected) {
            users.insert(0, selected.clone());
        }
        let account = |user: User| Account { initials: initials(&user.name), preselected: user == selected, user };
        Self {
            action: uri.path_and_query().map_or("/authorize", |all| all.as_str()).to_owned(),
            application: Url::parse(callback).map(|url| url.origin().ascii_serialization()).unwrap_or_default(),
            accounts: users.into_iter().map(account).collect(),
            scopes: scope.split_whitespace().map(Scope::new).collect(),
        }
    }
}

impl Scope {
    fn new(name: &str) -> Self {
        let meaning = match name {
            "openid" => "know who you are",
            "profile" => "see your name",
            "email" => "see your e-mail address",
            "offline_access" => "stay connected when you are away",
            _ => "use a permission of its own",
        };
        Self { name: name.into(), meaning }
    }
}

/// The page for an error that is not reported to the app.
#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage {
    status: StatusCode,
    title: String,
    text: String,
}

impl ErrorPage {
    pub(super) fn new(status: StatusCode, title: &str, text: &str) -> Self {
        Self { status, title: title.into(), text: text.chars().take(300).collect() }
    }
}

impl IntoResponse for LoginPage {
    fn into_response(self) -> Response {
        // Browsers apply `form-action` to the redirect after the form too.
        let form_action = format!("'self' {}", self.application);
        html(StatusCode::OK, &self, &form_action)
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        html(self.status, &self, "'none'")
    }
}

fn html(status: StatusCode, page: &impl Template, form_action: &str) -> Response {
    let body = page.render().expect("the templates only print fields, which cannot fail");
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store".into()),
        (header::REFERRER_POLICY, "no-referrer".into()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".into()),
    ];
    (status, headers, Html(body)).into_response()
}

async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], STYLESHEET)
}

fn initials(name: &str) -> String {
    name.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect()
}
