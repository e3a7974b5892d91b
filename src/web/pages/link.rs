//! The links that pages offer as the next step.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Start a login, in a browser that may never have logged in.
    LogIn,
    LogInAgain,
    /// Start a new login in which VideoAsk asks who the user is.
    LogInAsAnotherUser,
    Tokens,
    Home,
}

impl Link {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::LogIn => "Login on VideoAsk",
            Self::LogInAgain => "Log in again",
            Self::LogInAsAnotherUser => "Log in as another user",
            Self::Tokens => "Show my tokens",
            Self::Home => "Go to the home page",
        }
    }

    pub(crate) fn href(self) -> &'static str {
        match self {
            Self::LogIn | Self::LogInAgain => "/auth/videoask",
            Self::LogInAsAnotherUser => "/auth/videoask?prompt=login",
            Self::Tokens => "/tokens",
            Self::Home => "/",
        }
    }
}
