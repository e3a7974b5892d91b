//! The stand-in for VideoAsk: an Auth0 tenant and the API behind it, for the demo and the tests.
//!
//! It does not depend on the app, so a misreading of the protocol in the app is not repeated here. It is strict where
//! Auth0 is strict. Tests make it fail through [`Faults`], and read what it received from [`Counters`].

#![warn(unreachable_pub)]

mod api;
mod authorize;
mod authorize_request;
mod caller;
mod codes;
mod connection;
mod control;
mod counters;
mod discovery;
mod echo;
mod fault_layer;
mod faults;
mod grants;
mod jwt;
mod keys;
mod lists;
mod options;
mod pages;
mod params;
mod refresh_tokens;
mod refresh_tokens_file;
mod revoke;
mod streams;
mod token;
mod token_response;
mod users;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, body::Bytes, middleware};
use time::OffsetDateTime;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};
use url::Url;

use self::{
    connection::{Connection, Connections, CountingListener},
    grants::Grants,
    keys::Keys,
    refresh_tokens_file::RefreshTokensFile,
};
pub use self::{
    counters::Counters,
    faults::{Deviation, Endpoint, Fault, Faults, PlannedFault},
    options::{Now, Options, Rotation},
    users::User,
};

/// A stand-in for VideoAsk, running or not. Clones are handles to the same one.
#[derive(Clone)]
pub struct StandIn(Arc<Shared>);

struct Shared {
    options: Options,
    base_url: Url,
    keys: Keys,
    state: Mutex<State>,
    closing: watch::Sender<bool>,
    /// Changes when the held replies should be sent.
    releases: watch::Sender<()>,
    connections: Connections,
    file: Option<RefreshTokensFile>,
}

/// All state that changes. It has one lock, so every transition is atomic.
#[derive(Default)]
struct State {
    grants: Grants,
    faults: Faults,
    counters: Counters,
    /// Senders to the open responses of `/streams/fed`.
    feeds: Vec<mpsc::UnboundedSender<Bytes>>,
}

impl StandIn {
    /// Creates a stand-in with the base URL at which it will be reached.
    #[must_use]
    pub fn new(options: Options, base_url: Url) -> Self {
        Self::with(options, base_url, State::default(), None)
    }

    /// Creates a stand-in with the refresh tokens that an earlier one has saved to this file. The earlier one's JWT
    /// access tokens work too, because every stand-in has the same signing keys.
    ///
    /// # Errors
    ///
    /// The file cannot be read, cannot be written, or does not contain refresh tokens.
    pub fn resuming(options: Options, base_url: Url, file: PathBuf) -> io::Result<Self> {
        let (file, refresh_tokens) = RefreshTokensFile::open(file)?;
        let state = State { grants: Grants { refresh_tokens, ..Grants::default() }, ..State::default() };
        Ok(Self::with(options, base_url, state, Some(file)))
    }

    fn with(options: Options, base_url: Url, state: State, file: Option<RefreshTokensFile>) -> Self {
        Self(Arc::new(Shared {
            options,
            base_url,
            keys: Keys::public_demo(),
            state: Mutex::new(state),
            file,
            closing: watch::Sender::new(false),
            releases: watch::Sender::new(()),
            connections: Connections::default(),
        }))
    }

    /// Every route of login, API and control. Faults that close a connection need [`StandIn::serve`].
    pub fn router(&self) -> Router {
        Router::new()
            .merge(authorize::routes(self))
            .merge(token::routes(self))
            .merge(revoke::routes(self))
            .merge(discovery::routes(self))
            .merge(control::routes())
            .merge(pages::routes())
            .merge(api::routes(self))
            .merge(echo::routes(self))
            .merge(streams::routes(self))
            .fallback(api::not_found)
            .layer(middleware::from_fn_with_state(self.clone(), fault_layer::date))
            .with_state(self.clone())
    }

    /// Serves until `shutdown` resolves, then closes the connections of requests that hang.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let service = self.router().into_make_service_with_connect_info::<Connection>();
        let listener = CountingListener { listener, standin: self.clone() };
        let shutdown = async move {
            shutdown.await;
            self.0.closing.send_replace(true);
        };
        axum::serve(listener, service).with_graceful_shutdown(shutdown).await
    }

    /// Replaces all faults.
    pub fn set_faults(&self, faults: Faults) {
        self.locked(|state| state.faults = faults);
    }

    /// Changes the faults in place.
    pub fn change_faults(&self, change: impl FnOnce(&mut Faults)) {
        self.locked(|state| change(&mut state.faults));
    }

    /// Replaces all deviations.
    pub fn set_deviations(&self, deviations: impl IntoIterator<Item = Deviation>) {
        self.change_faults(|faults| faults.deviations = deviations.into_iter().collect());
    }

    /// A copy of the counters.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.locked(|state| state.counters.clone())
    }

    /// How many connections are open, or closed by the client while their request is still processed. The kernel closes
    /// the connections of a killed process, so at 0 all its requests have been processed.
    ///
    /// A connection in the listen queue is not counted. Open another one and wait for its response to be sure that none
    /// is left there.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.0.connections.count()
    }

    /// Sends every reply that [`Fault::HeldReply`] holds, including those to requests that are counted but not
    /// processed yet.
    pub fn release_replies(&self) {
        self.0.releases.send_replace(());
    }

    /// Sets the counters to zero; tokens and faults stay.
    pub fn reset_counters(&self) {
        self.locked(|state| state.counters = Counters::default());
    }

    /// Makes the API refuse this access token with 401 from now on.
    pub fn refuse_access_token(&self, token: impl Into<String>) {
        self.locked(|state| _ = state.grants.access_tokens.refused.insert(token.into()));
    }

    /// Ends every refresh token of the user, as an administrator or the user could at VideoAsk.
    pub fn end_grants_of(&self, email: &str) {
        self.locked(|state| state.grants.refresh_tokens.end_all_of(email));
    }

    fn faults(&self) -> Faults {
        self.locked(|state| state.faults.clone())
    }

    fn options(&self) -> &Options {
        &self.0.options
    }

    fn keys(&self) -> &Keys {
        &self.0.keys
    }

    fn issuer(&self) -> String {
        self.url("/")
    }

    /// An absolute URL of this server.
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.base_url.as_str().trim_end_matches('/'))
    }

    /// The path of a route of the API.
    fn api_path(&self, path: &str) -> String {
        format!("{}{path}", self.options().api_base)
    }

    /// The stand-in's time: [`Options::now`] plus the clock offset.
    fn now(&self) -> OffsetDateTime {
        (self.options().now)() + time::Duration::seconds(self.locked(|state| state.faults.clock_offset))
    }

    fn has(&self, deviation: Deviation) -> bool {
        self.locked(|state| state.faults.deviations.contains(&deviation))
    }

    async fn closing(&self) {
        // `self` holds the sender, so it cannot be closed.
        let _ = self.0.closing.subscribe().wait_for(|closing| *closing).await;
    }

    fn locked<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = with(&mut state);
        let refresh_tokens = &mut state.grants.refresh_tokens;
        if refresh_tokens.take_changed()
            && let Some(file) = &self.0.file
        {
            file.save(refresh_tokens);
        }
        result
    }
}
