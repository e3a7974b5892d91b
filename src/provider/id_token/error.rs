//! The error of id_token verification.

use crate::provider::id_token::jwks::JwksError;

/// Why an id_token is not accepted. The error quotes claims, escaped and truncated, but never the nonce or the token.
#[derive(Debug, thiserror::Error)]
pub enum IdTokenError {
    /// A claim, a header parameter or the signature is not what it must be.
    #[error("the id_token's {claim} is wrong: expected {expected}, received {received}")]
    Claim {
        /// The name of the claim or header parameter, or `signature`.
        claim: &'static str,
        /// The value that it must have, or a description of it.
        expected: String,
        /// The value that was received, or a description of it.
        received: String,
        /// What the operator or the user should do.
        fix: &'static str,
    },
    /// The key set that verifies it could not be fetched or read.
    #[error("the keys that sign id_tokens could not be fetched")]
    Keys(#[source] JwksError),
    /// The response has no id_token, and with PKCE off nothing else ties the code to this login.
    #[error("VideoAsk sent no id_token, and PKCE is off")]
    Missing,
    /// The id_token is not a signed JWT.
    #[error("the id_token is not a signed JWT")]
    Malformed,
}
