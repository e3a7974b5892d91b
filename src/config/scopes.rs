//! `SCOPES`: what the login asks for.

use crate::config::{
    finding::Fault,
    mode::Mode,
    provider::Pkce,
    reader::{Reader, Reported, Value},
    variable::SCOPES,
};

const DEFAULT: &str = "openid,profile,email,offline_access";

/// The scopes in the order given, each once.
pub(super) fn read(
    reader: &mut Reader<'_>,
    mode: &Mode,
    pkce: Result<Pkce, Reported>,
) -> Result<Vec<String>, Reported> {
    let value = reader.value_or_default(SCOPES, DEFAULT)?;
    let scopes = reader.check(&value, parse)?;
    check_proof(reader, pkce, &value, &scopes)?;
    check_for(reader, mode, &value, &scopes)?;
    Ok(scopes)
}

/// Without PKCE, only the nonce in an id_token ties a code to the browser that started the login: a stolen code would
/// work in the thief's own login.
fn check_proof(
    reader: &mut Reader<'_>,
    pkce: Result<Pkce, Reported>,
    value: &Value,
    scopes: &[String],
) -> Result<(), Reported> {
    if !matches!(pkce, Ok(Pkce::Off)) || scopes.iter().any(|scope| scope == "openid") {
        return Ok(());
    }
    let wrong = "it lacks openid, and PKCE is off: then only an id_token protects a login from a stolen code";
    reader.check(value, |_| Err(Fault::new(wrong, "Add openid, or set PKCE=on.")))
}

fn parse(text: &str) -> Result<Vec<String>, Fault> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|scope| !scope.is_empty()) {
        if scope.contains([';', '|', '+']) {
            let fix = format!("Use commas between scopes, as in {DEFAULT}.");
            return Err(Fault::new("scopes are separated by a ;, | or +", fix));
        }
        if !scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\') {
            let mend = format!("Write scope names with commas between them, such as {DEFAULT}.");
            return Err(Fault::new("a scope has a character that RFC 6749 does not allow", mend));
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    if scopes.is_empty() {
        return Err(Fault::new("it holds no scope", format!("Unset it, or write {DEFAULT}.")));
    }
    Ok(scopes)
}

/// Keep mode cannot do without some scopes. In mint mode a person may want less, and hears what that means.
fn check_for(reader: &mut Reader<'_>, mode: &Mode, value: &Value, scopes: &[String]) -> Result<(), Reported> {
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
                reader.warn(value, Fault::new("without offline_access a login brings no refresh token", "Add it."));
            }
            if missing("openid") {
                reader.warn(value, Fault::new("without openid nothing proves who logged in", "Add it."));
            }
            Ok(())
        }
    }
}

fn lacking(missing: &[&str]) -> Fault {
    let names = missing.join(" and ");
    Fault::new(
        format!(
            "it lacks {names}, and ALLOWED_USERS is set: refreshing needs offline_access, e-mails openid and email"
        ),
        format!("Add {names}."),
    )
}
