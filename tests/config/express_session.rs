use super::*;

#[test]
fn has_16_characters_in_mint_mode_and_32_in_keep_mode() {
    assert_refused("EXPRESS_SESSION", &["0123456789abcde", "ééééééééééééééé"]);
    assert!(warning(&[("EXPRESS_SESSION", "0123456789abcdef")]).wrong().contains("shorter than 32"));
    let keep = |secret| Config::from_pairs(pairs(&[("ALLOWED_USERS", "u-1"), ("EXPRESS_SESSION", secret)]));
    assert!(keep("0123456789abcdef0123456789abcde").is_err());
    assert!(keep("0123456789abcdef0123456789abcdef").is_ok());
}

#[test]
fn has_predecessors_that_are_whole() {
    let config = config(&[("EXPRESS_SESSION_PREVIOUS", "0123456789abcdef, fedcba9876543210")]);
    let previous: Vec<_> = config.secrets.previous.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(previous, ["0123456789abcdef", "fedcba9876543210"]);
    assert_refused("EXPRESS_SESSION_PREVIOUS", &["short", "0123456789abcdef,"]);
}

#[test]
fn with_a_comma_could_not_become_a_predecessor() {
    let warning = warning(&[("EXPRESS_SESSION", "0123456789abcdef,0123456789abcdef")]);
    assert!(warning.wrong().contains("EXPRESS_SESSION_PREVIOUS"));
}
