use crate::api_key::KeyName;

/// Why a key was not added or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// Another key has the name.
    #[error(
        "there is already an API key called {0}; nothing was changed.\n  Fix: Choose another name, or run \
         `videoask-auth key remove {0}` first."
    )]
    NameTaken(KeyName),
    /// No key has the name.
    #[error(
        "there is no API key called {0:?}; nothing was changed.\n  Fix: `videoask-auth key list` shows their names."
    )]
    Unknown(String),
    /// The date is beyond what a computer can note.
    #[error("--expires is too far away.\n  Fix: Leave it out for a key that does not expire.")]
    ExpiryTooFar,
}
