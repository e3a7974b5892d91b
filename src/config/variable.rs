//! The variables that this program reads, and which of them are secret.

/// A variable that this program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// The value can also come from the file that `NAME_FILE` names.
    Secret,
}

macro_rules! table {
    ($($name:ident: $kind:ident),* $(,)?) => {
        $(pub(super) const $name: Variable = Variable { name: stringify!($name), kind: Kind::$kind };)*

        /// Every variable of the configuration, in the order of docs/configuration.md. A command that asks a server
        /// reads two others, `VIDEOASK_AUTH_SERVER` and `VIDEOASK_AUTH_API_KEY`.
        pub const VARIABLES: &[Variable] = &[$($name),*];
    };
}

/// The server that `token`, `exec` and `api` ask if they run on another machine than the store.
pub(super) const VIDEOASK_AUTH_SERVER: Variable = Variable { name: "VIDEOASK_AUTH_SERVER", kind: Kind::Plain };
/// The API key with which these commands ask the server.
pub(super) const VIDEOASK_AUTH_API_KEY: Variable = Variable { name: "VIDEOASK_AUTH_API_KEY", kind: Kind::Secret };
/// The variables of such a command. They are read only from the environment.
pub(crate) const CLIENT_VARIABLES: &[Variable] = &[VIDEOASK_AUTH_SERVER, VIDEOASK_AUTH_API_KEY];

table! {
    CLIENT_ID: Plain,
    CLIENT_SECRET: Secret,
    APP_URL: Plain,
    SCOPES: Plain,
    EXPRESS_SESSION: Secret,
    EXPRESS_SESSION_PREVIOUS: Secret,
    HOST: Plain,
    PORT: Plain,
    STORE_URL: Secret,
    ALLOWED_USERS: Plain,
    API_KEY: Secret,
    ORGANIZATION_ID: Plain,
    NOTIFY_URL: Secret,
    REFRESH_TOKEN_LIFETIME: Plain,
    MAX_CONNECTIONS: Plain,
    PKCE: Plain,
    EXCHANGE_TIMEOUT: Plain,
    VIDEOASK_AUTH_URL: Plain,
    VIDEOASK_API_URL: Plain,
    AUDIENCE: Plain,
    ISSUER: Plain,
    RUST_LOG: Plain,
    LOG_FORMAT: Plain,
}

impl Variable {
    /// Its name in the environment and in `.env`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The name of the variable that names a file, `NAME_FILE`. Only a secret is read from a file.
    pub(crate) fn file_name(self) -> String {
        format!("{}_FILE", self.name)
    }

    /// Whether it is a secret, which may also come from a file.
    #[must_use]
    pub fn is_secret(self) -> bool {
        self.kind == Kind::Secret
    }

    /// The variable that a key of `.env` sets, by its own name or by `NAME_FILE`.
    pub(super) fn set_by(key: &str) -> Option<Self> {
        let is_set_by = |variable: &&Self| {
            key.strip_prefix(variable.name)
                .is_some_and(|rest| rest.is_empty() || (variable.is_secret() && rest == "_FILE"))
        };
        VARIABLES.iter().find(is_set_by).copied()
    }
}

impl std::fmt::Display for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
