use crate::api_key::KeyName;

#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error(
        "there is already an API key called {0}; nothing was changed.\n  Fix: Choose another name, or run \
         `videoask-auth key remove {0}` first."
    )]
    NameTaken(KeyName),
    #[error(
        "there is no API key called {0:?}; nothing was changed.\n  Fix: `videoask-auth key list` shows their names."
    )]
    Unknown(String),
    #[error("--expires is too far away.\n  Fix: Leave it out for a key that does not expire.")]
    ExpiryTooFar,
}
