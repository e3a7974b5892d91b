//! What an error page says: what happened, why it matters, and what to do next, with a link that does it.

use std::time::Duration;

use axum::http::StatusCode;

use crate::{
    provider::{ExchangeError, IdTokenError, Refusal},
    vault::{Cause, HandOutError, Identity, NextStep, NotEnded, Reconnect, Retry, Rotation, Trouble},
    videoask::ApiError,
};

use super::error::PageError;

/// The words of one error page.
pub struct Explanation {
    /// Of the answer.
    pub status: StatusCode,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
    /// One line.
    pub title: &'static str,
    /// What happened and what it means.
    pub what: String,
    /// What to do.
    pub next: String,
    /// Names and values that help to mend it.
    pub facts: Vec<(&'static str, String)>,
    /// The link that goes on.
    pub action: Action,
}

/// Where an error page's link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Begin a new login.
    LogIn,
    /// Begin a new login, and let VideoAsk ask for the user.
    LogInAsAnother,
    /// The token page.
    Tokens,
    /// The home page.
    Home,
}

impl Action {
    /// What the link says.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::LogIn => "Log in again",
            Self::LogInAsAnother => "Log in as another user",
            Self::Tokens => "Show my tokens",
            Self::Home => "To the start page",
        }
    }

    /// Where it leads.
    #[must_use]
    pub fn href(self) -> &'static str {
        match self {
            Self::LogIn => "/auth/videoask",
            Self::LogInAsAnother => "/auth/videoask?prompt=login",
            Self::Tokens => "/tokens",
            Self::Home => "/",
        }
    }
}

impl Explanation {
    fn new(status: StatusCode, title: &'static str, what: impl Into<String>, next: impl Into<String>) -> Self {
        let (what, next) = (what.into(), next.into());
        Self { status, retry_after: None, title, what, next, facts: Vec::new(), action: Action::LogIn }
    }

    fn action(self, action: Action) -> Self {
        Self { action, ..self }
    }

    fn fact(mut self, name: &'static str, value: &str) -> Self {
        self.facts.push((name, value.to_owned()));
        self
    }

    fn retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }
}

/// The words for a failure.
#[must_use]
pub fn explain(error: &PageError) -> Explanation {
    match error {
        PageError::Exchange(error) => exchange(error),
        PageError::IdToken(error) => id_token(error),
        PageError::Api(error) => api(error),
        PageError::Store(_) | PageError::Session(_) | PageError::NotStored(_) => store(),
        PageError::Unknown(error) => unknown(error),
        PageError::NotListed(identity) => not_listed(identity),
        PageError::EmailInUse(identity) => email_in_use(identity),
        PageError::Vault(error) => connection(error),
        PageError::NotEnded(error) => not_ended(*error),
        PageError::LoggedOut
        | PageError::CrossSite
        | PageError::TooBusy
        | PageError::BadQuery
        | PageError::NotFound
        | PageError::MethodNotAllowed
        | PageError::TooLarge
        | PageError::Internal => request(error),
        _ => callback(error),
    }
}

/// Failures of the way back from VideoAsk, before anything was exchanged.
fn callback(error: &PageError) -> Explanation {
    use StatusCode as S;
    match error {
        PageError::Denied { description } => Explanation::new(
            S::FORBIDDEN,
            "VideoAsk did not grant access",
            "You, or a rule of your organization, declined the request. No token was made.",
            "If that was a slip, log in again and approve. If your organization forbids it, ask its administrator.",
        )
        .action(Action::LogInAsAnother)
        .fact("VideoAsk says", description),
        PageError::LoginRefused { code, description } => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk could not log you in",
            "VideoAsk sent you back with an error instead of a code. No token was made.",
            "Log in again. If it stays, look the error up below and check the developer app's settings in VideoAsk.",
        )
        .fact("Error", code)
        .fact("VideoAsk says", description),
        PageError::WrongIssuer { expected, came } => Explanation::new(
            S::BAD_REQUEST,
            "This answer is not from your VideoAsk",
            "The callback names another issuer than the one this app trusts, so its code was not used.",
            "If the issuer that came is right, set ISSUER to it and restart; otherwise log in again.",
        )
        .fact("Expected", expected)
        .fact("Came", came),
        PageError::NoPendingLogin => Explanation::new(
            S::BAD_REQUEST,
            "No login was under way here",
            "This browser has no login that belongs to this address: it was begun in another browser, more than ten \
             minutes ago, or has been used already. Nothing was exchanged.",
            "Begin a new login, here, and finish it in the same browser.",
        ),
        PageError::PendingLoginExpired => Explanation::new(
            S::BAD_REQUEST,
            "The login took too long",
            "It was begun more than ten minutes ago, and a code that old is not safe to use.",
            "Log in again.",
        ),
        PageError::StateMismatch => Explanation::new(
            S::BAD_REQUEST,
            "This answer belongs to another login",
            "The state that came back is not the one that was sent, so the code was not used. That is how somebody \
             else's login would look.",
            "Log in again, from this page.",
        ),
        PageError::Replayed => Explanation::new(
            S::BAD_REQUEST,
            "This login was used already",
            "Each login's callback works once; opening its address again exchanges nothing.",
            "Log in again if you need a new pair.",
        ),
        PageError::AlreadyLoggedIn => Explanation::new(
            S::CONFLICT,
            "Already used: you are logged in",
            "This address belongs to a login that is finished. Opening it again exchanges nothing.",
            "Go on to your tokens.",
        )
        .action(Action::Tokens),
        _ => Explanation::new(
            S::BAD_REQUEST,
            "VideoAsk's answer is incomplete",
            "It has neither a code nor an error, so there is nothing to exchange.",
            "Log in again.",
        ),
    }
}

fn exchange(error: &ExchangeError) -> Explanation {
    use StatusCode as S;
    match error {
        ExchangeError::Refused { code, description, status } => refused(*status, code, description),
        ExchangeError::NotSent { .. } => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk cannot be reached",
            "No connection to VideoAsk's login service could be made, so your code was not exchanged.",
            "Try again in a minute. If you run this app: does its machine reach the internet, and is VIDEOASK_AUTH_URL \
             right?",
        ),
        ExchangeError::NoAnswer { .. } => Explanation::new(
            S::GATEWAY_TIMEOUT,
            "VideoAsk did not answer in time",
            "Your code was sent, but the answer was cut off or took too long. A code works once, so this login is over.",
            "Log in again.",
        ),
        ExchangeError::Busy { retry_after, .. } => Explanation::new(
            S::SERVICE_UNAVAILABLE,
            "VideoAsk is busy",
            "VideoAsk's login service is down or asks for fewer requests. No token was made.",
            "Wait a moment, then log in again.",
        )
        .retry_after(retry_after.unwrap_or(Duration::from_secs(30))),
        ExchangeError::Nonsense { what, .. } => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk's answer makes no sense",
            "What came back is neither a token nor an error that this app can read.",
            "Log in again. If it stays: does VIDEOASK_AUTH_URL really lead to VideoAsk, or to a proxy's own page?",
        )
        .fact("Received", &what.to_string()),
    }
}

/// The token endpoint's own refusals. Classified by code, since the statuses mean little.
fn refused(status: u16, code: &str, description: &str) -> Explanation {
    let explanation = match Refusal::of(status, code, description) {
        Refusal::GrantEnded => Explanation::new(
            StatusCode::BAD_REQUEST,
            "VideoAsk refused the login code",
            "Codes work once, for a short time, and only for the callback they were made for.",
            "Log in again. If it stays: is APP_URL exactly the address registered in VideoAsk's developer settings?",
        ),
        Refusal::ClientRejected => Explanation::new(
            StatusCode::BAD_GATEWAY,
            "VideoAsk does not accept this app's credentials",
            "CLIENT_ID and CLIENT_SECRET do not belong together, so nobody can log in until that is mended.",
            "If you run this app: copy both again from VideoAsk's developer app, without spaces or quotes, and restart. \
             The command `videoask-auth check` tells which one is wrong.",
        ),
        Refusal::InteractionRequired => Explanation::new(
            StatusCode::FORBIDDEN,
            "VideoAsk wants you to log in again",
            Cause::InteractionRequired.explanation(Rotation::Unknown),
            "Log in again, and complete every step that VideoAsk shows.",
        )
        .action(Action::LogInAsAnother),
        Refusal::UserBlocked => Explanation::new(
            StatusCode::FORBIDDEN,
            "VideoAsk has blocked this user",
            Cause::UserBlocked.explanation(Rotation::Unknown),
            "Log in as another user, or ask an administrator of your VideoAsk organization.",
        )
        .action(Action::LogInAsAnother),
        Refusal::Denied => Explanation::new(
            StatusCode::FORBIDDEN,
            "VideoAsk denied access",
            Cause::Denied.explanation(Rotation::Unknown),
            Cause::Denied.next_step(Retry::Manual).to_string(),
        )
        .action(Action::LogInAsAnother),
        Refusal::Other => Explanation::new(
            StatusCode::BAD_GATEWAY,
            "VideoAsk refused to give tokens",
            "The login itself worked, but VideoAsk gave an error in place of tokens.",
            "Look the error up below. The command `videoask-auth check` finds the common mistakes.",
        ),
    };
    explanation.fact("Error", code).fact("VideoAsk says", description).fact("Status", &status.to_string())
}

fn id_token(error: &IdTokenError) -> Explanation {
    const TITLE: &str = "The login could not be proven";
    match error {
        IdTokenError::Claim { claim, expected, came, mend } => Explanation::new(
            StatusCode::BAD_GATEWAY,
            TITLE,
            "VideoAsk's proof of who logged in (the id_token) is not what it must be, so this app shows no token.",
            *mend,
        )
        .fact("Claim", claim)
        .fact("Expected", expected)
        .fact("Came", came),
        IdTokenError::Missing => Explanation::new(
            StatusCode::BAD_GATEWAY,
            TITLE,
            "VideoAsk sent no id_token. With PKCE=off, only its nonce shows that this login started in your browser and \
             not somebody else's, so this app shows no token.",
            "If you run this app: set PKCE=on and restart. If VideoAsk rejects PKCE for your app, it must send id_tokens.",
        ),
        other => Explanation::new(
            StatusCode::BAD_GATEWAY,
            TITLE,
            "VideoAsk's proof of who logged in (the id_token) could not be checked, so this app shows no token.",
            "Log in again. If it stays, run `videoask-auth check`.",
        )
        .fact("Reason", &other.to_string()),
    }
}

fn api(error: &ApiError) -> Explanation {
    use StatusCode as S;
    match error {
        ApiError::Unauthorized { detail } => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk's API refused the access token",
            "It has ended, was revoked, or was made for another API.",
            "Log in again to get a new pair.",
        )
        .fact("The API says", detail),
        ApiError::Status { status, detail } => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk's API answered with an error",
            "The tokens are fine as far as this app knows; the API did not do as asked.",
            "Try again. If it stays, check the user's rights in VideoAsk, and ORGANIZATION_ID if it is set.",
        )
        .fact("Status", &status.to_string())
        .fact("The API says", detail)
        .action(Action::Tokens),
        _ => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk's API cannot be reached",
            "It did not answer, or not in a way this app can read. Your tokens are not affected.",
            "Try again in a minute. If you run this app: is VIDEOASK_API_URL right?",
        )
        .action(Action::Tokens),
    }
}

fn store() -> Explanation {
    Explanation::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "The store is down",
        "This app cannot read or write its sessions and tokens just now. A pair that could not be saved is not shown.",
        "Try again in a moment. If you run this app: the log names the cause, and `videoask-auth check` tests STORE_URL.",
    )
    .retry_after(Duration::from_secs(5))
    .action(Action::Home)
}

fn unknown(error: &ApiError) -> Explanation {
    let explanation = Explanation::new(
        StatusCode::BAD_GATEWAY,
        "VideoAsk did not say who you are",
        "The login worked, but VideoAsk's API did not name its user. This app keeps tokens by user, so it kept nothing.",
        "Log in again in a minute.",
    );
    explanation.fact("Reason", &error.to_string())
}

fn not_listed(identity: &Identity) -> Explanation {
    let line = identity.proven_email().or(identity.user_id.as_deref()).unwrap_or_default();
    let explanation = Explanation::new(
        StatusCode::FORBIDDEN,
        "This user may not log in here",
        "This app keeps tokens for the users that its operator listed, and you are not one of them. Nothing was stored.",
        "Log in as another user. If you run this app, put the last entry above into ALLOWED_USERS and restart. An e-mail counts \
         only if VideoAsk has verified it; the user id always does.",
    );
    let described = super::tokens::describe(identity);
    let explanation = described.iter().fold(explanation, |explanation, (name, value)| explanation.fact(name, value));
    explanation.fact("Add to ALLOWED_USERS", line).action(Action::LogInAsAnother)
}

fn email_in_use(identity: &Identity) -> Explanation {
    let (email, user_id) =
        (identity.proven_email().unwrap_or_default(), identity.user_id.as_deref().unwrap_or_default());
    let explanation = Explanation::new(
        StatusCode::FORBIDDEN,
        "This e-mail address is in use by another VideoAsk account",
        "This app already keeps the tokens of another VideoAsk account with the same e-mail address, so it cannot tell \
         the two apart by that address. Nothing was stored.",
        "Log in as the other user. If you run this app: to let this account take its place, run the command below and \
         log in again. To let both in, add this account's user id to ALLOWED_USERS and restart.",
    );
    let described = super::tokens::describe(identity);
    let explanation = described.iter().fold(explanation, |explanation, (name, value)| explanation.fact(name, value));
    explanation
        .fact("To take its place", &format!("videoask-auth forget --user {email}"))
        .fact("Add to ALLOWED_USERS", user_id)
        .action(Action::LogInAsAnother)
}

/// Why the vault has nothing to show, or did not refresh.
fn connection(error: &HandOutError) -> Explanation {
    use StatusCode as S;
    match error {
        HandOutError::NotConnected => Explanation::new(
            S::NOT_FOUND,
            "There is no connection",
            "It was revoked or forgotten, or its session has ended.",
            "Log in to make a new one.",
        ),
        HandOutError::NotAllowed => Explanation::new(
            S::FORBIDDEN,
            "This user is not in ALLOWED_USERS any more",
            "The connection is still stored, but it is neither used nor refreshed.",
            "Log in as another user. If you run this app, put the user back on the list, or run `videoask-auth forget`.",
        )
        .action(Action::LogInAsAnother),
        HandOutError::ReconnectRequired(reason) => reconnect(reason),
        HandOutError::ProviderUnavailable { retry_after } => Explanation::new(
            S::SERVICE_UNAVAILABLE,
            "VideoAsk gives no tokens at the moment",
            "The refresh was tried and did not work. The tokens you have stay as they are.",
            "Wait a moment, then press Refresh again.",
        )
        .retry_after(*retry_after)
        .action(Action::Tokens),
        HandOutError::ProviderRefused { trouble } => provider_refused(trouble),
        HandOutError::StoreUnavailable => store(),
        HandOutError::OtherClient => Explanation::new(
            S::CONFLICT,
            "These tokens belong to another app",
            "They were made for another CLIENT_ID or VIDEOASK_AUTH_URL, so this app cannot refresh them.",
            "Log in again to make new ones, or set the old values again.",
        ),
        HandOutError::Undecryptable(_) => Explanation::new(
            S::CONFLICT,
            "The stored tokens cannot be decrypted",
            "They were encrypted with another EXPRESS_SESSION, or were changed in the store.",
            "Log in again to get new tokens. If you run this app and changed EXPRESS_SESSION: put the old value into \
             EXPRESS_SESSION_PREVIOUS and restart.",
        ),
        HandOutError::Expired | HandOutError::TooLong { .. } | HandOutError::Busy => Explanation::new(
            S::SERVICE_UNAVAILABLE,
            "Somebody else is refreshing",
            "Another process of this app is at work on these tokens, and took longer than this page waits.",
            "Look at the tokens again in a moment.",
        )
        .retry_after(Duration::from_secs(5))
        .action(Action::Tokens),
    }
}

fn provider_refused(trouble: &Trouble) -> Explanation {
    // The next steps of a refusal do not depend on who retries.
    let next_step = trouble.cause.next_step(Retry::Manual);
    let explanation = Explanation::new(
        StatusCode::BAD_GATEWAY,
        "VideoAsk refuses to refresh",
        format!("{} The connection is kept.", trouble.cause.explanation(Rotation::Unknown)),
        next_step.to_string(),
    );
    let action = match next_step {
        NextStep::LogInAgain => Action::LogIn,
        NextStep::Wait | NextStep::RefreshAgain | NextStep::Check | NextStep::AskAdministrator => Action::Tokens,
    };
    troubled(explanation.action(action), trouble)
}

fn reconnect(reason: &Reconnect) -> Explanation {
    let explanation = Explanation::new(
        StatusCode::CONFLICT,
        "This connection has ended",
        "VideoAsk does not take its refresh token any more. An access token that is still valid works to its end.",
        "Log in again.",
    );
    match reason {
        Reconnect::Dead(trouble) => {
            let likely = trouble.cause.explanation(Rotation::Unknown);
            troubled(explanation, trouble).fact("Likely cause", likely)
        }
        Reconnect::NoRefreshToken | Reconnect::Ended => explanation.fact("Reason", &reason.to_string()),
    }
}

fn troubled(explanation: Explanation, trouble: &Trouble) -> Explanation {
    explanation.fact("VideoAsk says", &trouble.words.to_string())
}

fn not_ended(error: NotEnded) -> Explanation {
    match error {
        NotEnded::Revoking => Explanation::new(
            StatusCode::BAD_GATEWAY,
            "VideoAsk did not confirm",
            "The connection is marked as revoked, and this app uses it no more; but VideoAsk did not answer as it should.",
            "Go back to the tokens, and try again there.",
        )
        .action(Action::Tokens),
        NotEnded::OtherClient => connection(&HandOutError::OtherClient),
        NotEnded::StoreUnavailable => connection(&HandOutError::StoreUnavailable),
        NotEnded::Busy => connection(&HandOutError::Busy),
        NotEnded::Undecryptable(count) => connection(&HandOutError::Undecryptable(count)),
    }
}

fn request(error: &PageError) -> Explanation {
    use StatusCode as S;
    let (status, title, what, next, action) = match error {
        PageError::LoggedOut => (
            S::FORBIDDEN,
            "You are not logged in",
            "This page shows a login's tokens. A session ends after an hour without use, and after a day at the latest.",
            "Log in to get a new pair.",
            Action::LogIn,
        ),
        PageError::CrossSite => (
            S::FORBIDDEN,
            "That request came from another site",
            "This app changes something only when its own pages ask for it.",
            "Go to the start page and use the button there.",
            Action::Home,
        ),
        PageError::TooBusy => (
            S::SERVICE_UNAVAILABLE,
            "Too many logins at once",
            "Too many logins are in progress, or too many have failed within the last minute. Yours was not completed.",
            "Wait a few seconds, then log in again.",
            Action::LogIn,
        ),
        PageError::BadQuery => (
            S::BAD_REQUEST,
            "That address has a value that cannot be read",
            "What stands behind the question mark is not what this page takes.",
            "Go back and follow the page's own links.",
            Action::Home,
        ),
        PageError::NotFound => (
            S::NOT_FOUND,
            "There is no such page",
            "The address is misspelt, or the page is from another version of this app.",
            "Begin at the start page.",
            Action::Home,
        ),
        PageError::MethodNotAllowed => (
            S::METHOD_NOT_ALLOWED,
            "This page does not work that way",
            "The address exists, but not for this kind of request.",
            "Begin at the start page.",
            Action::Home,
        ),
        PageError::TooLarge => (
            S::PAYLOAD_TOO_LARGE,
            "That request is too large",
            "No form of this app sends that much.",
            "Begin at the start page.",
            Action::Home,
        ),
        _ => (
            S::INTERNAL_SERVER_ERROR,
            "Something broke in this app",
            "It is a fault of this app, not of yours or VideoAsk's. The log has the cause under the id below.",
            "Try again. If it stays, report it with that id.",
            Action::Home,
        ),
    };
    let explanation = Explanation::new(status, title, what, next).action(action);
    if matches!(error, PageError::TooBusy) { explanation.retry_after(Duration::from_secs(5)) } else { explanation }
}
