//! The text for a login that failed.

use std::time::Duration;

use axum::http::StatusCode;

use crate::{
    login::LoginError,
    provider::{ExchangeError, IdTokenError, RefusalReason},
    vault::{Cause, Identity, Retry, Rotation},
    web::{
        login::error::CallbackError,
        pages::{
            explain::{
                request, store, vault,
                view::{Copyable, ErrorView},
            },
            link::Link,
            markup::Markup,
        },
    },
};

/// Why a callback did not log its browser in.
pub(super) fn explain(error: &CallbackError) -> ErrorView {
    use StatusCode as S;
    match error {
        CallbackError::Login(error) => login(error),
        CallbackError::NoPendingLogin => ErrorView::new(
            S::BAD_REQUEST,
            "No login in progress",
            "This link does not match a login started in this browser: it was started elsewhere, more than ten \
             minutes ago, or is already used. Nothing was exchanged.",
            "Start a new login here, and finish it in this browser.",
        ),
        CallbackError::AlreadyLoggedIn => ErrorView::new(
            S::CONFLICT,
            "You are already logged in",
            "This link belongs to a login that is complete. It works only once; opening it again does nothing.",
            "Show my tokens.",
        )
        .link(Link::Tokens),
        CallbackError::TooBusy => ErrorView::new(
            S::SERVICE_UNAVAILABLE,
            "Too many logins at once",
            "Too many logins are in progress, or too many have failed within the last minute. Yours was not completed.",
            "Wait a few seconds, then log in again.",
        )
        .retry_after(Duration::from_secs(5)),
        CallbackError::Session(_) => store::unavailable(),
        CallbackError::Panicked => request::internal(),
    }
}

/// Why a login did not complete, in a browser or for a command.
pub(super) fn login(error: &LoginError) -> ErrorView {
    use StatusCode as S;
    match error {
        LoginError::Denied { description } => ErrorView::new(
            S::FORBIDDEN,
            "VideoAsk did not grant access",
            "You or your organization declined the request. No tokens were issued.",
            "If that was a mistake, log in again and approve. If your organization blocks it, ask its administrator.",
        )
        .detail("VideoAsk says", description),
        LoginError::Refused { code, description } => ErrorView::new(
            S::BAD_GATEWAY,
            "VideoAsk could not log you in",
            "VideoAsk sent you back with an error instead of a code. No tokens were issued.",
            "Log in again. If it keeps happening, tell the person who runs this app.",
        )
        .operator("Look up this error, and check the settings of the developer app in VideoAsk.")
        .detail("Error", code)
        .detail("VideoAsk says", description),
        LoginError::WrongIssuer { expected, received } => ErrorView::new(
            S::BAD_REQUEST,
            "The answer came from an unexpected issuer",
            "The callback names another issuer than the one this app trusts, so its code was not used.",
            "Log in again.",
        )
        .operator("If the received value is your VideoAsk, set `ISSUER` to exactly that value and restart.")
        .detail("Expected", expected)
        .detail("Received", received),
        LoginError::Expired => ErrorView::new(
            S::BAD_REQUEST,
            "The login took too long",
            "It was started more than ten minutes ago, so its code was not used.",
            "Log in again.",
        ),
        LoginError::StateMismatch => ErrorView::new(
            S::BAD_REQUEST,
            "This answer belongs to another login",
            "The `state` that came back is not the one this app sent, so the code was not used. Someone may have \
             tried to make you use their login.",
            "Log in again.",
        ),
        LoginError::Replayed => ErrorView::new(
            S::BAD_REQUEST,
            "This login link was already used",
            "It works only once; opening it again does nothing.",
            "Log in again if you need new tokens.",
        ),
        LoginError::NoCode => ErrorView::new(
            S::BAD_REQUEST,
            "VideoAsk's answer is incomplete",
            "It has neither a code nor an error, so there is nothing to exchange.",
            "Log in again.",
        ),
        LoginError::Exchange(error) => exchange(error),
        LoginError::IdToken(error) => id_token(error),
        LoginError::Unidentified(error) => ErrorView::new(
            S::BAD_GATEWAY,
            "VideoAsk did not say who you are",
            "The login worked, but VideoAsk's API did not name its user. This app keeps tokens by user, so it kept \
             nothing.",
            "Log in again in a minute.",
        )
        .detail("Reason", &error.to_string()),
        LoginError::NotListed(identity) => not_listed(identity),
        LoginError::EmailInUse(identity) => email_in_use(identity),
        LoginError::Vault(error) => vault::explain(error),
    }
}

fn exchange(error: &ExchangeError) -> ErrorView {
    use StatusCode as S;
    match error {
        ExchangeError::Refused { reason, status, code, description } => refused(*reason, *status, code, description),
        ExchangeError::NotSent { .. } => ErrorView::new(
            S::BAD_GATEWAY,
            "VideoAsk cannot be reached",
            "This app could not connect to VideoAsk's login service, so your code was not exchanged.",
            "Log in again in a minute.",
        )
        .operator("Does the machine of this app reach the internet, and is `VIDEOASK_AUTH_URL` right?"),
        ExchangeError::NoResponse { .. } => ErrorView::new(
            S::GATEWAY_TIMEOUT,
            "VideoAsk did not answer in time",
            "Your code was sent, but the answer was cut off or took too long. A code works only once, so this login \
             cannot be completed.",
            "Log in again.",
        ),
        ExchangeError::Unavailable { retry_after, .. } => ErrorView::new(
            S::SERVICE_UNAVAILABLE,
            "VideoAsk is busy",
            "VideoAsk's login service is down or asks for fewer requests. No tokens were issued.",
            "Wait a moment, then log in again.",
        )
        .retry_after(retry_after.unwrap_or(Duration::from_secs(30))),
        ExchangeError::MalformedResponse { problem, .. } => ErrorView::new(
            S::BAD_GATEWAY,
            "VideoAsk's answer could not be read",
            "It holds neither a token nor an error that this app knows.",
            "Log in again. If it keeps happening, tell the person who runs this app.",
        )
        .operator("Does `VIDEOASK_AUTH_URL` really lead to VideoAsk, or to the page of a proxy?")
        .detail("Received", &problem.to_string()),
    }
}

/// Explains a refusal of the token endpoint. The text depends on the meaning of the `error` code, not on the status
/// alone.
fn refused(reason: RefusalReason, status: u16, code: &str, description: &str) -> ErrorView {
    let view = match reason {
        RefusalReason::InvalidGrant => ErrorView::new(
            StatusCode::BAD_REQUEST,
            "VideoAsk refused the login code",
            "A code works only once, for a short time, and only for the callback it was issued for.",
            "Log in again. If it keeps happening, tell the person who runs this app.",
        )
        .operator("Is `APP_URL` exactly the address registered in VideoAsk's developer settings?"),
        RefusalReason::ClientRejected => ErrorView::new(
            StatusCode::BAD_GATEWAY,
            "VideoAsk does not accept this app's credentials",
            "Nobody can log in until the person who runs this app has fixed this.",
            "Log in again later.",
        )
        .operator(
            "`CLIENT_ID` and `CLIENT_SECRET` do not belong together: copy both again from VideoAsk's developer app, \
             without spaces or quotes, and restart.",
        )
        .copyable(Copyable::check("This command tells which one is wrong:")),
        RefusalReason::InteractionRequired => ErrorView::new(
            StatusCode::FORBIDDEN,
            "VideoAsk needs you to confirm who you are",
            Markup::of_plain(Cause::InteractionRequired.explanation(Rotation::Unknown)),
            "Log in again, and complete every step that VideoAsk shows.",
        ),
        RefusalReason::UserBlocked => ErrorView::new(
            StatusCode::FORBIDDEN,
            "VideoAsk has blocked this user",
            Markup::of_plain(Cause::UserBlocked.explanation(Rotation::Unknown)),
            "Log in as another user, or ask an administrator of your VideoAsk organization.",
        )
        .link(Link::LogInAsAnotherUser),
        RefusalReason::AccessDenied => ErrorView::new(
            StatusCode::FORBIDDEN,
            "VideoAsk denied access",
            Markup::of_plain(Cause::Denied.explanation(Rotation::Unknown)),
            Markup::of_plain(&Cause::Denied.next_step(Retry::Manual).to_string()),
        ),
        RefusalReason::Other => ErrorView::new(
            StatusCode::BAD_GATEWAY,
            "VideoAsk refused to issue tokens",
            "The login itself worked, but VideoAsk returned an error instead of tokens.",
            "Log in again. If it keeps happening, tell the person who runs this app.",
        )
        .operator("Look up this error.")
        .copyable(Copyable::check("This command finds the common mistakes:")),
    };
    view.detail("Error", code).detail("VideoAsk says", description).detail("Status", &status.to_string())
}

fn id_token(error: &IdTokenError) -> ErrorView {
    const TITLE: &str = "The login could not be verified";
    match error {
        IdTokenError::Claim { claim, expected, received, fix } => ErrorView::new(
            StatusCode::BAD_GATEWAY,
            TITLE,
            "The id_token, VideoAsk's proof of who logged in, is not valid, so this app shows no tokens.",
            "Log in again. If it keeps happening, tell the person who runs this app.",
        )
        .operator(*fix)
        .detail("Claim", claim)
        .detail("Expected", expected)
        .detail("Received", received),
        IdTokenError::Missing => ErrorView::new(
            StatusCode::BAD_GATEWAY,
            TITLE,
            "VideoAsk sent no id_token. With `PKCE=off`, only its nonce shows that this login started in your browser \
             and not in somebody else's, so this app shows no tokens.",
            "Log in again later. If it keeps happening, tell the person who runs this app.",
        )
        .operator("Set `PKCE=on` and restart. If VideoAsk rejects PKCE for your app, it must send id_tokens."),
        other @ (IdTokenError::Keys(_) | IdTokenError::Malformed) => ErrorView::new(
            StatusCode::BAD_GATEWAY,
            TITLE,
            "The id_token, VideoAsk's proof of who logged in, could not be checked, so this app shows no tokens.",
            "Log in again. If it keeps happening, tell the person who runs this app.",
        )
        .copyable(Copyable::check("This command finds the common mistakes:"))
        .detail("Reason", &other.to_string()),
    }
}

fn not_listed(identity: &Identity) -> ErrorView {
    let view = ErrorView::new(
        StatusCode::FORBIDDEN,
        "You are not on this app's list",
        "This app keeps tokens only for the users its operator has listed. Nothing was stored.",
        "Log in as another user, or ask the person who runs this app to add you.",
    )
    .link(Link::LogInAsAnotherUser);
    let view = match identity.proven_email().or(identity.user_id.as_deref()) {
        Some(entry) => view.copyable(Copyable {
            id: "allowed-user",
            name: "entry for ALLOWED_USERS",
            instruction: "Add this to `ALLOWED_USERS`, separated by a comma, and restart:".into(),
            value: entry.to_owned().into(),
            hint: Some("An e-mail address only counts if VideoAsk has verified it; the user id always works.".into()),
        }),
        None => view,
    };
    view.account(identity)
}

fn email_in_use(identity: &Identity) -> ErrorView {
    let (email, user_id) =
        (identity.proven_email().unwrap_or_default(), identity.user_id.as_deref().unwrap_or_default());
    ErrorView::new(
        StatusCode::FORBIDDEN,
        "This e-mail address is in use by another VideoAsk account",
        "This app already keeps the tokens of another VideoAsk account with the same e-mail address, so it cannot tell \
         the two apart by that address. Nothing was stored.",
        "Log in as the other user, or ask the person who runs this app.",
    )
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
    .account(identity)
    .link(Link::LogInAsAnotherUser)
}
