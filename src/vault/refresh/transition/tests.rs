use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth2::AccessToken;
use secrecy::SecretString;

use super::*;
use crate::{
    keys::Keyring,
    provider::{ExchangeError, ResponseProblem},
    vault::{Identity, Issuer, NextStep, Retry},
};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const CONTEXT: AttemptContext<'_> = AttemptContext { sent: NOW, now: NOW, process: "test" };

fn record() -> Record {
    let tokens = TokenSet::dated(
        AccessToken::new("access-1".to_owned()),
        Some(RefreshToken::new("refresh-1".to_owned())),
        Some("openid".to_owned()),
        Some(Duration::from_secs(1000)),
        NOW,
    );
    let keys = Keyring::new(&SecretString::from("a secret of no importance"), &[]);
    let issuer = Issuer { client_id: "client".to_owned(), token_endpoint: "https://tenant.test".to_owned() };
    Record::minted(&keys, tokens, Identity::default(), issuer)
}

fn reply(refresh_token: Option<&str>) -> TokenResponse {
    TokenResponse {
        access_token: AccessToken::new("access-2".to_owned()),
        refresh_token: refresh_token.map(|token| RefreshToken::new(token.to_owned())),
        id_token: None,
        scope: None,
        expires_in: Some(Duration::from_secs(1000)),
    }
}

fn tokens(refresh_token: Option<&str>) -> RefreshOutcome {
    RefreshOutcome::Tokens(reply(refresh_token))
}

fn tokens_naming(claims: &str) -> RefreshOutcome {
    let payload = BASE64_URL_SAFE_NO_PAD.encode(claims);
    let id_token = Some(IdToken::new(format!("e30.{payload}.unsigned")));
    RefreshOutcome::Tokens(TokenResponse { id_token, ..reply(Some("refresh-2")) })
}

fn refused(status: u16, code: &str, description: &str) -> RefreshOutcome {
    let (code, description) = (code.to_owned(), description.to_owned());
    RefreshOutcome::of_response(Err(ExchangeError::refused(status, code, description)))
}

fn busy() -> RefreshOutcome {
    RefreshOutcome::of_response(Err(ExchangeError::Unavailable { status: 503, code: None, retry_after: None }))
}

/// What a live record becomes by this outcome, always at the same time.
fn then(record: &Record, outcome: RefreshOutcome) -> Transition {
    record.after(State::Live, outcome, Trigger::Ordinary, CONTEXT)
}

fn state_after(state: State, outcome: RefreshOutcome) -> State {
    record().after(state, outcome, Trigger::Ordinary, CONTEXT).state
}

fn refresh_token(record: &Record) -> Option<&str> {
    record.body.tokens.refresh_token.as_ref().map(|token| token.secret().as_str())
}

fn failure(record: &Record) -> &RefreshFailure {
    record.body.history.failure.as_ref().expect("it failed")
}

#[test]
fn a_new_refresh_token_takes_the_place_of_the_old_one() {
    let Transition { record, state, .. } = then(&record(), tokens(Some("refresh-2")));
    assert_eq!((state, record.generation, refresh_token(&record)), (State::Live, 2, Some("refresh-2")));
    assert_eq!(record.body.history.rotation, Rotation::Seen);
}

#[test]
fn a_new_refresh_token_without_a_usable_access_token_is_kept_and_counts_as_a_failure() {
    let only = |id_token| {
        let partial = PartialTokens { refresh_token: RefreshToken::new("refresh-2".to_owned()), id_token };
        let (problem, partial) = (ResponseProblem::NoToken, Some(Box::new(partial)));
        RefreshOutcome::of_response(Err(ExchangeError::MalformedResponse { status: 200, problem, partial }))
    };
    for (before, after) in [(State::Live, State::Live), (State::Dead, State::Live), (State::Pending, State::Pending)] {
        let Transition { record, state, .. } = record().after(before, only(None), Trigger::Ordinary, CONTEXT);
        assert_eq!((state, record.generation, refresh_token(&record)), (after, 2, Some("refresh-2")));
        assert_eq!(record.body.tokens.access_token.secret(), "access-1");
        assert_eq!(failure(&record).cause, Cause::UnusableResponse);
    }
    let mut known = record();
    known.body.identity.sub = Some("auth0|ada".to_owned());
    let payload = BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"auth0|eve"}"#);
    let transition = then(&known, only(Some(IdToken::new(format!("e30.{payload}.unsigned")))));
    assert_eq!((transition.state, refresh_token(&transition.record)), (State::Dead, Some("refresh-1")));
}

#[test]
fn a_reply_without_a_refresh_token_or_scope_keeps_the_old_ones() {
    for empty in [None, Some("")] {
        let Transition { record, .. } = then(&record(), tokens(empty));
        assert_eq!(refresh_token(&record), Some("refresh-1"));
        assert_eq!(record.body.tokens.scope.as_deref(), Some("openid"));
        assert_eq!(record.body.history.rotation, Rotation::NotSeen);
    }
}

#[test]
fn only_invalid_grant_is_death_whatever_the_status() {
    for status in [400, 401, 403, 404] {
        assert_eq!(state_after(State::Live, refused(status, "invalid_grant", "")), State::Dead);
    }
    for code in ["invalid_client", "access_denied", "unauthorized_client", "invalid_request"] {
        assert_eq!(state_after(State::Live, refused(401, code, "")), State::Blocked, "{code}");
    }
}

#[test]
fn a_transient_failure_changes_nothing_but_the_time_of_the_next_try() {
    for outcome in [busy(), RefreshOutcome::no_response()] {
        let Transition { record, state, .. } = then(&record(), outcome);
        assert_eq!((state, record.generation, refresh_token(&record)), (State::Live, 1, Some("refresh-1")));
        assert!(failure(&record).retry_at > Some(NOW));
    }
}

#[test]
fn only_tokens_revive_a_dead_connection() {
    assert_eq!(state_after(State::Dead, busy()), State::Dead);
    assert_eq!(state_after(State::Dead, refused(401, "invalid_client", "")), State::Dead);
    assert_eq!(state_after(State::Dead, tokens(None)), State::Live);
}

#[test]
fn a_pending_import_stays_pending_until_it_has_an_owner_or_is_dead() {
    assert_eq!(state_after(State::Pending, tokens(None)), State::Pending);
    assert_eq!(state_after(State::Pending, refused(401, "invalid_client", "")), State::Pending);
    assert_eq!(state_after(State::Pending, refused(403, "invalid_grant", "")), State::Dead);
}

fn named(sub: &str, iss: Option<&str>) -> Record {
    let mut record = record();
    record.body.identity.sub = Some(sub.to_owned());
    record.body.identity.iss = iss.map(str::to_owned);
    record
}

#[test]
fn tokens_of_another_user_or_issuer_are_dropped_and_the_connection_is_dead() {
    for claims in [
        r#"{"sub":"mallory","iss":"https://tenant.test/"}"#,
        r#"{"sub":"ada","iss":"https://other.test/"}"#,
        r#"{"sub":"mallory"}"#,
        r#"{"iss":"https://other.test/"}"#,
    ] {
        let ada = named("ada", Some("https://tenant.test/"));
        let Transition { record, state, .. } = then(&ada, tokens_naming(claims));
        assert_eq!((state, record.generation), (State::Dead, 1), "{claims}");
        assert_eq!(refresh_token(&record), Some("refresh-1"), "{claims}");
        assert_eq!(failure(&record).cause, Cause::IdentityChanged);
        assert!(failure(&record).message.to_string().starts_with("identity-changed: "), "{claims}");
    }
}

#[test]
fn an_id_token_of_a_refresh_is_used_for_nothing_but_that_comparison() {
    let same = r#"{"sub":"ada","iss":"https://tenant.test/","exp":1,"aud":"another client","nonce":"another"}"#;
    for (record, claims) in [
        (named("ada", Some("https://tenant.test/")), same),
        (named("ada", Some("https://tenant.test/")), "not JSON"),
        (named("ada", Some("https://tenant.test/")), r#"{"sub":7}"#),
        (named("ada", None), r#"{"sub":"ada","iss":"https://other.test/"}"#),
        (record(), r#"{"sub":"anybody","iss":"https://other.test/"}"#),
    ] {
        let transition = then(&record, tokens_naming(claims));
        assert_eq!((transition.state, transition.record.generation), (State::Live, 2), "{claims}");
    }
}

#[test]
fn each_refusal_has_its_cause_and_next_step() {
    for (code, description, cause, step) in [
        ("mfa_required", "", Cause::InteractionRequired, NextStep::LogInAgain),
        ("unauthorized", "user is blocked", Cause::UserBlocked, NextStep::LogInAgain),
        ("access_denied", "Not from this network", Cause::Denied, NextStep::AskAdministrator),
        ("invalid_client", "", Cause::ClientRejected, NextStep::Check),
        ("invalid_request", "", Cause::Other, NextStep::Check),
    ] {
        let Transition { record, state, .. } = then(&record(), refused(403, code, description));
        assert_eq!((state, failure(&record).cause), (State::Blocked, cause), "{code}");
        assert_eq!(cause.next_step(Retry::Automatic), step, "{code}");
    }
}

#[test]
fn invalid_grant_after_a_lost_response_names_that_as_the_cause_until_tokens_are_received() {
    let ended = || refused(403, "invalid_grant", "");
    let lost = then(&then(&record(), RefreshOutcome::no_response()).record, busy()).record;
    assert_eq!(failure(&then(&lost, ended()).record).cause, Cause::ResponseLost);
    let recovered = then(&lost, tokens(None)).record;
    assert_eq!(failure(&then(&recovered, ended()).record).cause, Cause::GrantEnded);
}

#[test]
fn failures_in_a_row_wait_longer_and_keep_their_start() {
    let first = then(&record(), busy()).record;
    let later = AttemptContext { now: NOW + Duration::from_secs(10), ..CONTEXT };
    let second = first.after(State::Live, busy(), Trigger::Ordinary, later).record;
    assert_eq!((failure(&second).failures, failure(&second).since), (2, NOW));
    assert!(failure(&second).retry_at >= Some(later.now + Duration::from_secs(2)));
}

#[test]
fn tokens_that_expire_at_once_are_saved_and_the_next_refresh_backs_off_longer_each_time() {
    let mut record = record();
    let mut waits = Vec::new();
    for generation in 2..6 {
        let reply = TokenResponse { expires_in: Some(Duration::from_millis(1900)), ..reply(Some("refresh-2")) };
        let transition = then(&record, RefreshOutcome::Tokens(reply));
        record = transition.record;
        assert_eq!((transition.state, record.generation), (State::Live, generation));
        waits.push(failure(&record).retry_at.expect("it is retried") - NOW);
    }
    assert!(waits.is_sorted_by(|one, next| *next >= 4 * *one / 3), "{waits:?}");
    assert_eq!(then(&record, tokens(None)).record.body.history.failure, None);
}

#[test]
fn a_token_lives_from_when_it_was_requested() {
    let late = AttemptContext { now: NOW + Duration::from_secs(9), ..CONTEXT };
    let renewed = record().after(State::Live, tokens(None), Trigger::Ordinary, late).record;
    assert_eq!(renewed.body.tokens.expires_at, NOW + Duration::from_secs(1000));
}

#[test]
fn a_tenth_of_the_life_or_more_is_left_when_a_record_is_due() {
    let due = record().due(State::Live).expect("it has a refresh token");
    assert!((NOW + Duration::from_secs(850)..=NOW + Duration::from_secs(900)).contains(&due));
    assert_eq!(record().due(State::Dead), None);
}
