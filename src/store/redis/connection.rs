use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult, ScriptInvocation, Value,
    aio::MultiplexedConnection,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Mutex, time::timeout};

use crate::store::{ServerMessage, StoreError, StoreLocation, UnavailableReason, redis::failure};

// Together they are shorter than a call may take, so that one call can connect and get its response.
const CONNECT: Duration = Duration::from_secs(2);
const RESPONSE: Duration = Duration::from_millis(1_500);
/// The time limit of a whole call: waiting while another call connects, connecting, and the response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(4);

/// One multiplexed connection, replaced when it fails.
///
/// `redis::aio::ConnectionManager` is not used, because it never gives up a connection whose responses time out (the other
/// end may have disappeared), nor a reconnect that failed for a reason other than I/O, such as `maxclients`.
pub(super) struct Connection {
    client: Client,
    at: StoreLocation,
    current: Mutex<Option<Arc<MultiplexedConnection>>>,
}

/// A request. One whose name ends in `Once` is never sent again.
enum Request<'a> {
    Command(&'a Cmd),
    Script(&'a ScriptInvocation<'a>),
    CommandOnce(&'a Cmd),
    ScriptOnce(&'a ScriptInvocation<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// `redis://`
    Plain,
    /// `rediss://`
    Tls,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({})", self.at)
    }
}

impl Connection {
    /// Reads the URL. It connects when it is first used.
    pub(super) fn new(url: &SecretString) -> Result<Self, StoreError> {
        // The error is dropped, since it might quote the URL.
        let client = Client::open(url.expose_secret()).map_err(|_| StoreError::InvalidUrl)?;
        let at = place(&client)?;
        Ok(Self { client, at, current: Mutex::new(None) })
    }

    /// A second connection to the same Redis, which is not connected yet.
    pub(super) fn another(&self) -> Self {
        Self { client: self.client.clone(), at: self.at.clone(), current: Mutex::new(None) }
    }

    pub(super) fn transport(&self) -> Transport {
        match self.client.get_connection_info().addr() {
            redis::ConnectionAddr::TcpTls { .. } => Transport::Tls,
            _ => Transport::Plain,
        }
    }

    pub(super) fn at(&self) -> &StoreLocation {
        &self.at
    }

    pub(super) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.request(Request::Command(command)).await
    }

    pub(super) async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        self.request(Request::Script(script)).await
    }

    /// Runs a script that must not be repeated: the repeated one could succeed, and the lost one could arrive after it
    /// and undo a later change.
    pub(super) async fn script_once<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        self.request(Request::ScriptOnce(script)).await
    }

    /// Runs a command that only makes sense on the current connection.
    pub(super) async fn command_once<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.request(Request::CommandOnce(command)).await
    }

    pub(super) fn unavailable(&self, reason: UnavailableReason) -> StoreError {
        StoreError::Unavailable { at: self.at.clone(), reason, source: None }
    }

    /// A response that is not Redis's protocol, and one of an unexpected type, are different failures.
    async fn request<T: FromRedisValue>(&self, request: Request<'_>) -> Result<T, StoreError> {
        let value = self.value(request).await?;
        redis::from_redis_value(value).map_err(|error| failure::damaged(&self.at, ServerMessage::new(&error)))
    }

    /// Boxed, so that the compiler does not check in each of the callers that the futures of redis are `Send`.
    fn value<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Value, StoreError>> {
        Box::pin(async move {
            let answer = timeout(RESPONSE_TIMEOUT, self.send(&request))
                .await
                .map_err(|_| self.unavailable(UnavailableReason::TimedOut))?;
            answer.map_err(|error| failure::describe(&self.at, &error))
        })
    }

    /// Sends a request, and once more on a new connection if the old one was dropped, as idle ones are, and all of them
    /// at a restart. The first one may have been carried out, so such a request must be one that can run twice.
    async fn send(&self, request: &Request<'_>) -> RedisResult<Value> {
        match (self.try_once(request).await, request) {
            (Err(error), Request::Command(_) | Request::Script(_))
                if error.is_connection_dropped() && !error.is_connection_refusal() =>
            {
                self.try_once(request).await
            }
            (answer, _) => answer,
        }
    }

    async fn try_once(&self, request: &Request<'_>) -> RedisResult<Value> {
        let shared = self.connected().await?;
        let mut connection = MultiplexedConnection::clone(&shared);
        let answer = match request {
            Request::Command(command) | Request::CommandOnce(command) => command.query_async(&mut connection).await,
            Request::Script(script) | Request::ScriptOnce(script) => script.invoke_async(&mut connection).await,
        };
        if answer.as_ref().is_err_and(failure::of_the_connection) {
            self.give_up(&shared).await;
        }
        answer
    }

    async fn connected(&self) -> RedisResult<Arc<MultiplexedConnection>> {
        let mut current = self.current.lock().await;
        if let Some(connection) = &*current {
            return Ok(Arc::clone(connection));
        }
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(RESPONSE));
        let connection = Arc::new(self.client.get_multiplexed_async_connection_with_config(&config).await?);
        Ok(Arc::clone(current.insert(connection)))
    }

    /// Drops `failed`, unless another caller has replaced it already.
    async fn give_up(&self, failed: &Arc<MultiplexedConnection>) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|connection| Arc::ptr_eq(connection, failed)) {
            *current = None;
        }
    }
}

fn place(client: &Client) -> Result<StoreLocation, StoreError> {
    let info = client.get_connection_info();
    let database = info.redis_settings().db();
    match info.addr() {
        redis::ConnectionAddr::Tcp(host, port) | redis::ConnectionAddr::TcpTls { host, port, .. } => {
            Ok(StoreLocation::Redis { host: host.clone(), port: *port, database })
        }
        _ => Err(StoreError::InvalidUrl),
    }
}
