//! The pages of a login that a command waits for: served by the command itself, at a loopback `APP_URL`.
//!
//! The login works as on the server, with the same cookies and checks, but its result goes to the command instead of a
//! session. Other requests (another path, a callback of no login, an icon) do not end the login.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Extension, Router,
    extract::{Query, State, rejection::QueryRejection},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{Redirect, Response},
    routing::get,
};
use tokio::sync::{Semaphore, oneshot};
use tower_cookies::{CookieManagerLayer, Cookies};

use crate::{
    login::{Callback, Finished, LoginError},
    web::{
        assets,
        login::{arrive, error::CallbackError, only_get, start},
        middleware,
        pages::{
            error::{PageError, RequestError},
            layout::html,
            logged_in::LoggedInPage,
        },
        state::AppState,
        visitor::Visitor,
    },
};

/// Style, script and icon.
const FILES_OF_A_PAGE: u32 = 3;

pub(crate) type Outcome = Result<Finished, Arc<LoginError>>;

/// Receives the result of the first login that ends. Later ones are ignored.
#[derive(Clone)]
struct Waiting(Arc<Mutex<Option<oneshot::Sender<Outcome>>>>);

impl Waiting {
    fn take(&self) -> Option<oneshot::Sender<Outcome>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The static files that browsers have fetched.
#[derive(Clone)]
pub(crate) struct FetchedFiles(Arc<Semaphore>);

impl FetchedFiles {
    /// Completes when the browser has fetched all files that a page needs. It may have some of them in its cache.
    pub(crate) async fn of_a_page(&self) {
        // The semaphore is never closed.
        let _ = self.0.acquire_many(FILES_OF_A_PAGE).await;
    }
}

/// The routes, what the login ends in, and which files the browser has fetched.
pub(crate) fn router(app: Arc<AppState>) -> (Router, oneshot::Receiver<Outcome>, FetchedFiles) {
    let (waiting, outcome) = oneshot::channel();
    let waiting = Waiting(Arc::new(Mutex::new(Some(waiting))));
    let fetched = FetchedFiles(Arc::new(Semaphore::new(0)));
    let count = fetched.clone();
    let files = assets::router().layer(from_fn(move |request, next: Next| {
        let count = count.clone();
        async move {
            let response = next.run(request).await;
            count.0.add_permits(1);
            response
        }
    }));
    let router = Router::new()
        .route("/", get(async || Redirect::to("/auth/videoask")))
        .route("/auth/videoask", get(start).head(only_get).fallback(only_get))
        .route("/auth/videoask/callback", get(callback).head(only_get).fallback(only_get))
        .layer((
            from_fn_with_state(Arc::clone(&app), middleware::browser::check),
            CookieManagerLayer::new(),
            Extension(waiting),
        ))
        .merge(files)
        .fallback(async || PageError::Request(RequestError::NotFound))
        .method_not_allowed_fallback(async || PageError::Request(RequestError::MethodNotAllowed))
        .layer(from_fn_with_state(Arc::clone(&app), middleware::trace::render_for_command))
        .with_state(app);
    (router, outcome, fetched)
}

/// Checks the callback as the server does, then finishes the login for the command.
async fn callback(
    State(app): State<Arc<AppState>>,
    Extension(waiting): Extension<Waiting>,
    callback: Result<Query<Callback>, QueryRejection>,
    cookies: Cookies,
) -> Result<Response, PageError> {
    let arrived = match arrive(&app, callback, &cookies, &Visitor::LoggedOut) {
        Err(CallbackError::Login(error)) if !error.leaves_login_open() => Err(error),
        arrived => Ok(arrived?),
    };
    // Another login has ended before this one.
    let command = waiting.take().ok_or(LoginError::Replayed)?;
    // In a task of its own, so that a browser that disconnects does not cancel the exchange.
    let finish = async move {
        // The permit tells the command, until the outcome is sent, that stopping now would lose tokens.
        let (finished, _permit) = match arrived {
            Ok((login, code, permit)) => (app.logins.finish(login, code).await, Some(permit)),
            Err(error) => (Err(error), None),
        };
        let finished = finished.map_err(Arc::new);
        let page = match &finished {
            Ok(finished) => Ok(html(&LoggedInPage::new(&app, finished.identity()))),
            Err(error) => Err(PageError::CommandLogin(Arc::clone(error))),
        };
        // A command that was stopped no longer waits.
        let _ = command.send(finished);
        page
    };
    tokio::spawn(finish).await.map_err(|_| CallbackError::Panicked)?
}
