use super::*;

#[cfg(unix)]
#[test]
fn that_are_not_unicode_are_a_problem_and_no_panic() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};
    let mut environment: Vec<(OsString, OsString)> =
        GLITCH.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    environment[1].1 = OsString::from_vec(b"canary\xff".to_vec());
    let environment: Environment = environment.into_iter().collect();
    let problems = Config::load(&environment, &EnvFile::None).unwrap_err();
    assert_eq!(only(&problems).message(), "CLIENT_SECRET is not Unicode text");
    assert!(!format!("{problems} {problems:?} {environment:?}").contains("canary"));
}

#[test]
fn that_kept_their_quotes_are_a_problem() {
    assert_refused("CLIENT_SECRET", &["'canary'", "\"canary\"", "`canary`"]);
    assert_refused("APP_URL", &["'https://tokens.example.com'"]);
    assert_refused("EXPRESS_SESSION", &["'0123456789abcdef0123456789abcdef'"]);
}

#[test]
fn of_client_id_and_secret_have_nothing_in_them_that_was_pasted_by_mistake() {
    for name in ["CLIENT_ID", "CLIENT_SECRET"] {
        assert_refused(name, &["<Client ID>", "two words", "a\"b", "a'b", "tab\there", "é"]);
    }
}
