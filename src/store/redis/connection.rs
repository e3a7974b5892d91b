use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult, ScriptInvocation, Value,
    aio::MultiplexedConnection,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Mutex, time::timeout};

use crate::store::{ServerMessage, StoreError, StoreLocation, UnavailableReason, redis::failure};

// Together they fit the 5 s that design.md allows a save, with a second to spare.
const CONNECT: Duration = Duration::from_secs(2);
const RESPONSE: Duration = Duration::from_millis(1_500);
/// One call in all: waiting for others to connect, connecting and the answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(4);

/// One multiplexed connection, replaced when it fails.
///
/// Not `redis::aio::ConnectionManager`: that one keeps a connection on which answers time out (the other end may be
/// gone without a word), and a reconnect that fails for any reason but I/O, such as `maxclients`, for ever.
pub(super) struct Connection {
    client: Client,
    at: StoreLocation,
    current: Mutex<Option<Arc<MultiplexedConnection>>>,
}

/// What is sent. What ends in `Once` is never sent again.
enum Request<'a> {
    Command(&'a Cmd),
    Script(&'a ScriptInvocation<'a>),
    CommandOnce(&'a Cmd),
    ScriptOnce(&'a ScriptInvocation<'a>),
}

/// How the server is reached.
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
    /// Reads the URL; connects only when first used.
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
        self.request(&Request::Command(command)).await
    }

    pub(super) async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        self.request(&Request::Script(script)).await
    }

    /// For a script whose caller must know each time that it may have run: a repeated one could succeed, and the lost
    /// one arrive after it and undo what came later.
    pub(super) async fn script_once<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        self.request(&Request::ScriptOnce(script)).await
    }

    /// For a command that makes sense only on the connection that is there.
    pub(super) async fn command_once<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.request(&Request::CommandOnce(command)).await
    }

    pub(super) fn unavailable(&self, reason: UnavailableReason) -> StoreError {
        StoreError::Unavailable { at: self.at.clone(), reason, source: None }
    }

    /// What cannot be read as an answer of Redis, and what can but is not the answer that was expected, are different
    /// failures.
    async fn request<T: FromRedisValue>(&self, request: &Request<'_>) -> Result<T, StoreError> {
        let answer = timeout(RESPONSE_TIMEOUT, self.send(request))
            .await
            .map_err(|_| self.unavailable(UnavailableReason::TimedOut))?;
        let value = answer.map_err(|error| failure::describe(&self.at, &error))?;
        redis::from_redis_value(value).map_err(|error| failure::damaged(&self.at, ServerMessage::new(&error)))
    }

    /// A connection that was dropped, as idle ones are and all are by a restart, gets one fresh try. The first try
    /// may have been carried out, so what gets one must bear being sent twice.
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

    /// Forgets `failed`, unless another caller has replaced it already.
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
