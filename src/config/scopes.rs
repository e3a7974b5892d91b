//! `SCOPES`: the scopes that a login requests.

use crate::config::{
    diagnostic::Issue,
    env_reader::{EnvReader, Reported, Value},
    mode::Mode,
    pkce::Pkce,
    variable::SCOPES,
};

const DEFAULT: &str = "openid,profile,email,offline_access";

pub(super) fn read(
    reader: &mut EnvReader<'_>,
    mode: &Mode,
    pkce: Result<Pkce, Reported>,
) -> Result<Vec<String>, Reported> {
    let value = reader.value_or_default(SCOPES, DEFAULT)?;
    let scopes = reader.check(&value, parse)?;
    check_proof(reader, pkce, &value, &scopes)?;
    check_for(reader, mode, &value, &scopes)?;
    Ok(scopes)
}

/// Without PKCE, only the nonce in an id_token ties a code to the browser that started the login. Without both, an
/// attacker could use a stolen code in a login of their own.
fn check_proof(
    reader: &mut EnvReader<'_>,
    pkce: Result<Pkce, Reported>,
    value: &Value,
    scopes: &[String],
) -> Result<(), Reported> {
    if !matches!(pkce, Ok(Pkce::Off)) || scopes.iter().any(|scope| scope == "openid") {
        return Ok(());
    }
    let message = "it lacks openid, and PKCE is off: then only an id_token protects a login from a stolen code";
    reader.check(value, |_| Err(Issue::new(message, "Add openid, or set PKCE=on.")))
}

fn parse(text: &str) -> Result<Vec<String>, Issue> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|scope| !scope.is_empty()) {
        if scope.contains([';', '|', '+']) {
            let fix = format!("Use commas between scopes, as in {DEFAULT}.");
            return Err(Issue::new("scopes are separated by a ;, | or +", fix));
        }
        if !scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\') {
            let fix = format!("Write scope names with commas between them, such as {DEFAULT}.");
            return Err(Issue::new("a scope has a character that RFC 6749 does not allow", fix));
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    if scopes.is_empty() {
        return Err(Issue::new("it contains no scope", format!("Unset it, or write {DEFAULT}.")));
    }
    Ok(scopes)
}

/// Checks the scopes for this mode. Keep mode requires some scopes. Mint mode warns if scopes are missing.
fn check_for(reader: &mut EnvReader<'_>, mode: &Mode, value: &Value, scopes: &[String]) -> Result<(), Reported> {
    let missing = |scope: &str| !scopes.iter().any(|given| given == scope);
    match mode {
        Mode::Keep(users) => {
            let needed: &[&str] =
                if users.holds_email() { &["offline_access", "openid", "email"] } else { &["offline_access"] };
            let missing: Vec<_> = needed.iter().copied().filter(|scope| missing(scope)).collect();
            reader.check(value, |_| if missing.is_empty() { Ok(()) } else { Err(lacking(&missing)) })
        }
        Mode::Mint => {
            if missing("offline_access") {
                reader.warn(value, Issue::new("without offline_access a login brings no refresh token", "Add it."));
            }
            if missing("openid") {
                reader.warn(value, Issue::new("without openid nothing proves who logged in", "Add it."));
            }
            Ok(())
        }
    }
}

fn lacking(missing: &[&str]) -> Issue {
    let names = missing.join(" and ");
    Issue::new(
        format!(
            "it lacks {names}, and ALLOWED_USERS is set: refreshing needs offline_access, e-mails openid and email"
        ),
        format!("Add {names}."),
    )
}
