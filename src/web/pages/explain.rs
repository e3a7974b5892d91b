//! What an error page says: what happened, what it means, and what to do next, with a link that does it.

use std::{borrow::Cow, time::Duration};

use axum::http::StatusCode;

use crate::{
    provider::{ExchangeError, IdTokenError, Refusal},
    vault::{Cause, Identity, NextStep, Reconnect, RefreshFailure, Retry, Rotation, VaultError},
    videoask::ApiError,
    web::pages::{error::PageError, outside_text, prose::Prose},
};

/// The content of one error page.
pub struct Explanation {
    /// Of the response.
    pub status: StatusCode,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
    /// One line.
    pub title: &'static str,
    /// For the visitor: what happened and what it means.
    pub what: Prose,
    /// For the visitor: what to do.
    pub next: Prose,
    /// Who VideoAsk says the visitor is, where that is the reason.
    pub who: Vec<(&'static str, String)>,
    /// For whoever runs this app: what to do.
    pub operator: Option<Prose>,
    /// For whoever runs this app: what to copy.
    pub copyables: Vec<Copyable>,
    /// For whoever runs this app: names and values that help to fix it.
    pub facts: Vec<(&'static str, String)>,
    /// The link that goes on.
    pub action: Action,
}

/// A value to copy, with its instruction and maybe a remark.
pub struct Copyable {
    /// Of its element.
    pub id: &'static str,
    /// What it is, for its button.
    pub name: &'static str,
    /// What to do with it.
    pub instruction: Prose,
    /// The value, exact.
    pub value: Cow<'static, str>,
    /// What to know about it.
    pub hint: Option<Prose>,
}

impl Copyable {
    /// The command that checks an installation.
    fn check(instruction: &'static str) -> Self {
        let (id, name, value) = ("command", "command", "videoask-auth check".into());
        Self { id, name, instruction: instruction.into(), value, hint: None }
    }
}

/// Where the link of a page leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a login, in a browser that may never have logged in.
    LogIn,
    /// Start a new login.
    LogInAgain,
    /// Start a new login, and have VideoAsk ask for the user.
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
            Self::LogIn => "Login on VideoAsk",
            Self::LogInAgain => "Log in again",
            Self::LogInAsAnother => "Log in as another user",
            Self::Tokens => "Show my tokens",
            Self::Home => "Go to the home page",
        }
    }

    /// Where it leads.
    #[must_use]
    pub fn href(self) -> &'static str {
        match self {
            Self::LogIn | Self::LogInAgain => "/auth/videoask",
            Self::LogInAsAnother => "/auth/videoask?prompt=login",
            Self::Tokens => "/tokens",
            Self::Home => "/",
        }
    }
}

impl Explanation {
    fn new(status: StatusCode, title: &'static str, what: impl Into<Prose>, next: impl Into<Prose>) -> Self {
        let (what, next) = (what.into(), next.into());
        let (retry_after, who, operator, copyables, facts) = (None, Vec::new(), None, Vec::new(), Vec::new());
        Self { status, retry_after, title, what, next, who, operator, copyables, facts, action: Action::LogInAgain }
    }

    fn action(self, action: Action) -> Self {
        Self { action, ..self }
    }

    fn who(self, identity: &Identity) -> Self {
        Self { who: super::tokens::describe(identity), ..self }
    }

    fn operator(self, text: impl Into<Prose>) -> Self {
        Self { operator: Some(text.into()), ..self }
    }

    fn copyable(mut self, copyable: Copyable) -> Self {
        self.copyables.push(copyable);
        self
    }

    fn fact(mut self, name: &'static str, value: &str) -> Self {
        self.facts.push((name, outside_text::shown(value)));
        self
    }

    /// What to do, unless the button says the same.
    pub(crate) fn next_besides_the_button(&self) -> Option<&Prose> {
        Some(&self.next).filter(|next| next.plain().trim_end_matches('.') != self.action.label())
    }

    /// Whether there is anything for whoever runs this app.
    pub(crate) fn has_operator_part(&self) -> bool {
        self.operator.is_some() || !self.copyables.is_empty() || !self.facts.is_empty()
    }

    fn retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }
}

/// The page for a failure.
#[must_use]
#[expect(clippy::too_many_lines, reason = "one exhaustive match, so that no error gets the text of another")]
pub fn explain(error: &PageError) -> Explanation {
    use StatusCode as S;
    match error {
        PageError::Denied { description } => Explanation::new(
            S::FORBIDDEN,
            "VideoAsk did not grant access",
            "You or your organization declined the request. No tokens were issued.",
            "If that was a mistake, log in again and approve. If your organization blocks it, ask its administrator.",
        )
        .fact("VideoAsk says", description),
        PageError::LoginRefused { code, description } => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk could not log you in",
            "VideoAsk sent you back with an error instead of a code. No tokens were issued.",
            "Log in again. If it keeps happening, tell whoever runs this app.",
        )
        .operator("Look up this error, and check the settings of the developer app in VideoAsk.")
        .fact("Error", code)
        .fact("VideoAsk says", description),
        PageError::WrongIssuer { expected, came } => Explanation::new(
            S::BAD_REQUEST,
            "The answer came from an unexpected issuer",
            "The callback names another issuer than the one this app trusts, so its code was not used.",
            "Log in again, from this page.",
        )
        .operator("If the received value is your VideoAsk, set `ISSUER` to exactly that value and restart.")
        .fact("Expected", expected)
        .fact("Received", came),
        PageError::NoPendingLogin => Explanation::new(
            S::BAD_REQUEST,
            "No login in progress",
            "This link does not match a login started in this browser: it was started elsewhere, more than ten \
             minutes ago, or is already used. Nothing was exchanged.",
            "Start a new login here, and finish it in this browser.",
        ),
        PageError::PendingLoginExpired => Explanation::new(
            S::BAD_REQUEST,
            "The login took too long",
            "It was started more than ten minutes ago, so its code was not used.",
            "Log in again.",
        ),
        PageError::StateMismatch => Explanation::new(
            S::BAD_REQUEST,
            "This answer belongs to another login",
            "The `state` that came back is not the one this app sent, so the code was not used. Someone may have \
             tried to make you use their login.",
            "Log in again, from this page.",
        ),
        PageError::Replayed => Explanation::new(
            S::BAD_REQUEST,
            "This login link was already used",
            "It works only once; opening it again does nothing.",
            "Log in again if you need new tokens.",
        ),
        PageError::AlreadyLoggedIn => Explanation::new(
            S::CONFLICT,
            "You are already logged in",
            "This link belongs to a login that is complete. It works only once; opening it again does nothing.",
            "Go on to your tokens.",
        )
        .action(Action::Tokens),
        PageError::NoCode => Explanation::new(
            S::BAD_REQUEST,
            "VideoAsk's answer is incomplete",
            "It has neither a code nor an error, so there is nothing to exchange.",
            "Log in again.",
        ),
        PageError::Exchange(error) => exchange(error),
        PageError::IdToken(error) => id_token(error),
        PageError::Api(error) => api(error),
        PageError::Store(_) | PageError::Session(_) => store(),
        PageError::Unknown(error) => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk did not say who you are",
            "The login worked, but VideoAsk's API did not name its user. This app keeps tokens by user, so it kept \
             nothing.",
            "Log in again in a minute.",
        )
        .fact("Reason", &error.to_string()),
        PageError::NotListed(identity) => not_listed(identity),
        PageError::EmailInUse(identity) => email_in_use(identity),
        PageError::Vault(error) => connection(error),
        PageError::NotRevoked(error) => not_revoked(error),
        PageError::LoggedOut => Explanation::new(
            S::FORBIDDEN,
            "You are not logged in",
            "Log in to see your tokens. A session ends after an hour without use, and after a day at the latest.",
            "Log in with your VideoAsk account.",
        )
        .action(Action::LogIn),
        PageError::TooBusy => Explanation::new(
            S::SERVICE_UNAVAILABLE,
            "Too many logins at once",
            "Too many logins are in progress, or too many have failed within the last minute. Yours was not completed.",
            "Wait a few seconds, then log in again.",
        )
        .retry_after(Duration::from_secs(5)),
        PageError::CrossSite => Explanation::new(
            S::FORBIDDEN,
            "That request came from another site",
            "For your safety, this app only accepts actions from its own pages.",
            "Go to the home page and use the button there.",
        )
        .action(Action::Home),
        PageError::BadQuery => Explanation::new(
            S::BAD_REQUEST,
            "This link has an invalid parameter",
            "The part after the \"?\" is not something this page understands.",
            "Go back, and use the links and buttons of the page itself.",
        )
        .action(Action::Home),
        PageError::NotFound => Explanation::new(
            S::NOT_FOUND,
            "Page not found",
            "There is no page at this address.",
            "Check the address, or go to the home page.",
        )
        .action(Action::Home),
        PageError::MethodNotAllowed => Explanation::new(
            S::METHOD_NOT_ALLOWED,
            "This page does not work that way",
            "The address exists, but not for this kind of request.",
            "Go to the home page and start there.",
        )
        .action(Action::Home),
        PageError::TooLarge => Explanation::new(
            S::PAYLOAD_TOO_LARGE,
            "That request is too large",
            "No form of this app sends that much.",
            "Go to the home page and start there.",
        )
        .action(Action::Home),
        PageError::Internal => internal(),
    }
}

fn internal() -> Explanation {
    Explanation::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something went wrong in this app",
        "It is this app's fault, not yours or VideoAsk's. The server's log has the cause, under the request ID below.",
        "Try again. If it keeps happening, report it with that ID.",
    )
    .action(Action::Home)
}

fn exchange(error: &ExchangeError) -> Explanation {
    use StatusCode as S;
    match error {
        ExchangeError::Refused { code, description, status } => refused(*status, code, description),
        ExchangeError::NotSent { .. } => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk cannot be reached",
            "This app could not connect to VideoAsk's login service, so your code was not exchanged.",
            "Log in again in a minute.",
        )
        .operator("Does the machine of this app reach the internet, and is `VIDEOASK_AUTH_URL` right?"),
        ExchangeError::NoAnswer { .. } => Explanation::new(
            S::GATEWAY_TIMEOUT,
            "VideoAsk did not answer in time",
            "Your code was sent, but the answer was cut off or took too long. A code works only once, so this login \
             cannot be completed.",
            "Log in again.",
        ),
        ExchangeError::Busy { retry_after, .. } => Explanation::new(
            S::SERVICE_UNAVAILABLE,
            "VideoAsk is busy",
            "VideoAsk's login service is down or asks for fewer requests. No tokens were issued.",
            "Wait a moment, then log in again.",
        )
        .retry_after(retry_after.unwrap_or(Duration::from_secs(30))),
        ExchangeError::Nonsense { what, .. } => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk's answer could not be read",
            "It holds neither a token nor an error that this app knows.",
            "Log in again. If it keeps happening, tell whoever runs this app.",
        )
        .operator("Does `VIDEOASK_AUTH_URL` really lead to VideoAsk, or to the page of a proxy?")
        .fact("Received", &what.to_string()),
    }
}

/// What the token endpoint refused. By code, since the statuses mean little.
fn refused(status: u16, code: &str, description: &str) -> Explanation {
    let explanation = match Refusal::of(status, code, description) {
        Refusal::GrantEnded => Explanation::new(
            StatusCode::BAD_REQUEST,
            "VideoAsk refused the login code",
            "A code works only once, for a short time, and only for the callback it was issued for.",
            "Log in again. If it keeps happening, tell whoever runs this app.",
        )
        .operator("Is `APP_URL` exactly the address registered in VideoAsk's developer settings?"),
        Refusal::ClientRejected => Explanation::new(
            StatusCode::BAD_GATEWAY,
            "VideoAsk does not accept this app's credentials",
            "Nobody can log in until whoever runs this app has fixed this.",
            "Log in again later.",
        )
        .operator(
            "`CLIENT_ID` and `CLIENT_SECRET` do not belong together: copy both again from VideoAsk's developer app, \
             without spaces or quotes, and restart.",
        )
        .copyable(Copyable::check("This command tells which one is wrong:")),
        Refusal::InteractionRequired => Explanation::new(
            StatusCode::FORBIDDEN,
            "VideoAsk wants you to log in again",
            Cause::InteractionRequired.explanation(Rotation::Unknown),
            "Log in again, and complete every step that VideoAsk shows.",
        ),
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
        ),
        Refusal::Other => Explanation::new(
            StatusCode::BAD_GATEWAY,
            "VideoAsk refused to issue tokens",
            "The login itself worked, but VideoAsk returned an error instead of tokens.",
            "Log in again. If it keeps happening, tell whoever runs this app.",
        )
        .operator("Look up this error.")
        .copyable(Copyable::check("This command finds the common mistakes:")),
    };
    explanation.fact("Error", code).fact("VideoAsk says", description).fact("Status", &status.to_string())
}

fn id_token(error: &IdTokenError) -> Explanation {
    const TITLE: &str = "The login could not be verified";
    match error {
        IdTokenError::Claim { claim, expected, came, mend } => Explanation::new(
            StatusCode::BAD_GATEWAY,
            TITLE,
            "The id_token, VideoAsk's proof of who logged in, is not valid, so this app shows no tokens.",
            "Log in again. If it keeps happening, tell whoever runs this app.",
        )
        .operator(*mend)
        .fact("Claim", claim)
        .fact("Expected", expected)
        .fact("Received", came),
        IdTokenError::Missing => Explanation::new(
            StatusCode::BAD_GATEWAY,
            TITLE,
            "VideoAsk sent no id_token. With `PKCE=off`, only its nonce shows that this login started in your browser \
             and not in somebody else's, so this app shows no tokens.",
            "Log in again later. If it keeps happening, tell whoever runs this app.",
        )
        .operator("Set `PKCE=on` and restart. If VideoAsk rejects PKCE for your app, it must send id_tokens."),
        other @ (IdTokenError::Keys(_) | IdTokenError::Malformed) => Explanation::new(
            StatusCode::BAD_GATEWAY,
            TITLE,
            "The id_token, VideoAsk's proof of who logged in, could not be checked, so this app shows no tokens.",
            "Log in again. If it keeps happening, tell whoever runs this app.",
        )
        .copyable(Copyable::check("This command finds the common mistakes:"))
        .fact("Reason", &other.to_string()),
    }
}

fn api(error: &ApiError) -> Explanation {
    use StatusCode as S;
    match error {
        ApiError::Unauthorized { detail } => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk's API refused the access token",
            "It has expired, was revoked, or was issued for another API.",
            "Log in again to get new tokens.",
        )
        .fact("The API says", detail),
        ApiError::Status { status, detail } => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk's API returned an error",
            "The tokens are fine as far as this app knows, but the API did not do as asked.",
            "Try again. If it keeps happening, check your rights in VideoAsk.",
        )
        .operator("If `ORGANIZATION_ID` is set, is it right, and does this user belong to that organization?")
        .fact("Status", &status.to_string())
        .fact("The API says", detail)
        .action(Action::Tokens),
        ApiError::Unreachable(_) | ApiError::TimedOut(_) | ApiError::Cut(_) | ApiError::Nonsense => Explanation::new(
            S::BAD_GATEWAY,
            "VideoAsk's API cannot be reached",
            "It did not answer, or not in a way this app can read. Your tokens are not affected.",
            "Try again in a minute.",
        )
        .operator("Is `VIDEOASK_API_URL` right?")
        .action(Action::Tokens),
    }
}

fn store() -> Explanation {
    Explanation::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Storage is unavailable",
        "This app cannot read or write its sessions and tokens right now. Tokens that could not be saved are not shown.",
        "Try again in a moment.",
    )
    .operator("The server's log names the cause.")
    .copyable(Copyable::check("This command tests `STORE_URL`:"))
    .retry_after(Duration::from_secs(5))
    .action(Action::Home)
}

fn not_listed(identity: &Identity) -> Explanation {
    let explanation = Explanation::new(
        StatusCode::FORBIDDEN,
        "You are not on this app's list",
        "This app keeps tokens only for the users its operator has listed. Nothing was stored.",
        "Log in as another user, or ask whoever runs this app to add you.",
    )
    .who(identity)
    .action(Action::LogInAsAnother);
    match identity.proven_email().or(identity.user_id.as_deref()) {
        Some(entry) => explanation.copyable(Copyable {
            id: "allowed-user",
            name: "entry for ALLOWED_USERS",
            instruction: "Add this to `ALLOWED_USERS`, separated by a comma, and restart:".into(),
            value: entry.to_owned().into(),
            hint: Some("An e-mail address only counts if VideoAsk has verified it; the user id always works.".into()),
        }),
        None => explanation,
    }
}

fn email_in_use(identity: &Identity) -> Explanation {
    let (email, user_id) =
        (identity.proven_email().unwrap_or_default(), identity.user_id.as_deref().unwrap_or_default());
    Explanation::new(
        StatusCode::FORBIDDEN,
        "This e-mail address is in use by another VideoAsk account",
        "This app already keeps the tokens of another VideoAsk account with the same e-mail address, so it cannot tell \
         the two apart by that address. Nothing was stored.",
        "Log in as the other user, or ask whoever runs this app.",
    )
    .who(identity)
    .copyable(Copyable {
        id: "forget-other",
        name: "command",
        instruction: "To let this account take the place of the other one, run this command and log in again:".into(),
        value: format!("videoask-auth forget --user {email}").into(),
        hint: None,
    })
    .copyable(Copyable {
        id: "allowed-user",
        name: "entry for ALLOWED_USERS",
        instruction: "To let both in, add this account's user id to `ALLOWED_USERS` and restart:".into(),
        value: user_id.to_owned().into(),
        hint: None,
    })
    .action(Action::LogInAsAnother)
}

/// Why the vault has nothing to show, or did not refresh.
fn connection(error: &VaultError) -> Explanation {
    use StatusCode as S;
    match error {
        VaultError::NotConnected => Explanation::new(
            S::NOT_FOUND,
            "Nothing is kept here any longer",
            "Your tokens were revoked or removed, or your session ended.",
            "Log in to start again.",
        ),
        VaultError::NotAllowed => Explanation::new(
            S::FORBIDDEN,
            "You are no longer on this app's list",
            "The connection is still stored, but it is neither used nor refreshed.",
            "Log in as another user, or ask whoever runs this app to add you again.",
        )
        .operator("Put the user back into `ALLOWED_USERS`, or run `videoask-auth forget`.")
        .action(Action::LogInAsAnother),
        VaultError::ReconnectRequired(reason) => reconnect(reason),
        VaultError::ProviderUnavailable { retry_after } => Explanation::new(
            S::SERVICE_UNAVAILABLE,
            "The refresh failed for now",
            "VideoAsk did not return new tokens. The tokens you have stay as they are.",
            "Wait a moment, then press \"Refresh now\" again.",
        )
        .retry_after(*retry_after)
        .action(Action::Tokens),
        VaultError::ProviderRefused { failure } => provider_refused(failure),
        VaultError::StoreUnavailable => store(),
        VaultError::OtherClient => Explanation::new(
            S::CONFLICT,
            "These tokens belong to another app",
            "They were issued to another `CLIENT_ID`, or by another `VIDEOASK_AUTH_URL`, so this app cannot refresh \
             them.",
            "Log in again to get new ones.",
        )
        .operator("To use the old ones, set the old values again and restart."),
        VaultError::Undecryptable(_) => Explanation::new(
            S::CONFLICT,
            "The stored tokens cannot be decrypted",
            "They were encrypted with another `EXPRESS_SESSION`, or were changed in the store.",
            "Log in again to get new tokens.",
        )
        .operator("If you changed `EXPRESS_SESSION`, put the old value into `EXPRESS_SESSION_PREVIOUS` and restart."),
        VaultError::Stopping => stopping(),
        VaultError::Expired => Explanation::new(
            S::CONFLICT,
            "The access token has expired",
            "In this mode, the app refreshes only when you ask it to.",
            "Go to your tokens and press \"Refresh now\".",
        )
        .action(Action::Tokens),
        VaultError::Busy => busy(),
        VaultError::RevokeUnconfirmed => not_revoked(error),
        // No page names a user or a minimum life.
        VaultError::Internal | VaultError::AmbiguousUser | VaultError::MinLifeTooLong { .. } => internal(),
    }
}

fn provider_refused(failure: &RefreshFailure) -> Explanation {
    // The next steps of a refusal do not depend on who retries.
    let next_step = failure.cause.next_step(Retry::Manual);
    let explanation = Explanation::new(
        StatusCode::BAD_GATEWAY,
        "VideoAsk refused the refresh",
        format!("{} The connection is kept.", failure.cause.explanation(Rotation::Unknown)),
        next_step.to_string(),
    );
    let action = match next_step {
        NextStep::LogInAgain => Action::LogInAgain,
        NextStep::Wait | NextStep::RefreshAgain | NextStep::Check | NextStep::AskAdministrator => Action::Tokens,
    };
    failing(explanation.action(action), failure)
}

fn stopping() -> Explanation {
    Explanation::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "This app is restarting",
        "It is stopping, so it starts no new work on your tokens. They are kept.",
        "Look at your tokens again in a moment.",
    )
    .retry_after(Duration::from_secs(5))
    .action(Action::Tokens)
}

fn busy() -> Explanation {
    Explanation::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "A refresh is already under way",
        "Another process of this app is working on these tokens, and took longer than this page waits.",
        "Look at your tokens again in a moment.",
    )
    .retry_after(Duration::from_secs(5))
    .action(Action::Tokens)
}

fn reconnect(reason: &Reconnect) -> Explanation {
    let title = "The connection was lost";
    match reason {
        Reconnect::Dead(failure) => {
            let likely = failure.cause.explanation(Rotation::Unknown);
            failing(Explanation::refresh_token_refused(title), failure).fact("Likely cause", likely)
        }
        Reconnect::Ended => Explanation::refresh_token_refused(title),
        Reconnect::NoRefreshToken => Explanation::new(
            StatusCode::CONFLICT,
            "There is no refresh token",
            "The access token has expired, and this app cannot get the next one.",
            "Log in again.",
        )
        .operator("With `offline_access` in `SCOPES`, a login brings a refresh token."),
    }
}

impl Explanation {
    fn refresh_token_refused(title: &'static str) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            title,
            "VideoAsk no longer accepts the refresh token. An access token that is still valid works until it expires.",
            "Log in again.",
        )
    }
}

fn failing(explanation: Explanation, failure: &RefreshFailure) -> Explanation {
    explanation.fact("VideoAsk says", &failure.message.to_string())
}

fn not_revoked(error: &VaultError) -> Explanation {
    match error {
        VaultError::RevokeUnconfirmed => Explanation::new(
            StatusCode::BAD_GATEWAY,
            "VideoAsk did not confirm the revocation",
            "The connection is marked as revoked, and this app no longer uses it. VideoAsk's side is not certain.",
            "Go to your tokens, and try again there.",
        )
        .action(Action::Tokens),
        VaultError::OtherClient => Explanation::new(
            StatusCode::CONFLICT,
            "These tokens belong to another app",
            "They were issued to another `CLIENT_ID`, or by another `VIDEOASK_AUTH_URL`, so this app cannot revoke \
             them.",
            "Revoke them in VideoAsk.",
        )
        .operator("To revoke them here, set the old values again, restart and try once more.")
        .action(Action::Tokens),
        VaultError::Busy => Explanation { title: "A refresh is under way: nothing was revoked", ..busy() },
        VaultError::Undecryptable(_) => Explanation::new(
            StatusCode::CONFLICT,
            "The stored tokens cannot be decrypted",
            "They were encrypted with another `EXPRESS_SESSION`, so this app cannot revoke them.",
            "Revoke them in VideoAsk.",
        )
        .operator("If you changed `EXPRESS_SESSION`, put the old value into `EXPRESS_SESSION_PREVIOUS` and restart.")
        .action(Action::Home),
        error => connection(error),
    }
}
