//! Why an id_token is not accepted.

use crate::provider::id_token::jwks::JwksError;

/// Why an id_token is not accepted. It quotes claims, escaped and cut, but never the nonce or the token.
#[derive(Debug, thiserror::Error)]
pub enum IdTokenError {
    /// A claim or header parameter is not what it must be.
    #[error("the id_token's {claim} is wrong: expected {expected}, received {received}")]
    Claim {
        /// Which.
        claim: &'static str,
        /// What it must be.
        expected: String,
        /// What it is.
        received: String,
        /// What to do.
        fix: &'static str,
    },
    /// The keys that it is checked by could not be had.
    #[error("the keys that sign id_tokens could not be fetched")]
    Keys(#[source] JwksError),
    /// There is none, and with PKCE off nothing else ties the code to this login.
    #[error("VideoAsk sent no id_token, and PKCE is off")]
    Missing,
    /// It is no signed JWT.
    #[error("the id_token is not a signed JWT")]
    Malformed,
}
