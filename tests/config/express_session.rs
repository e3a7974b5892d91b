use super::*;

#[test]
fn has_16_characters_in_mint_mode_and_32_in_keep_mode() {
    assert_refused("EXPRESS_SESSION", &["0123456789abcde", "ééééééééééééééé"]);
    assert!(warning(&[("EXPRESS_SESSION", "0123456789abcdef")]).message().contains("shorter than 32"));
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
    assert!(warning.message().contains("EXPRESS_SESSION_PREVIOUS"));
}

#[test]
fn that_anybody_would_guess_is_refused_with_the_command_that_makes_a_good_one() {
    let long = "x".repeat(64);
    for secret in [&*long, "your-secret-here", "changemechangeme", "abcabcabcabcabcabc", "paste-a-random-secret-here"] {
        let found = problem(&[("EXPRESS_SESSION", secret)]);
        assert_eq!(about(&found), "EXPRESS_SESSION", "{secret}");
        let is_placeholder_of_ours = found.message().contains(".env.example");
        assert!(is_placeholder_of_ours || found.fix().contains("openssl rand -base64 48"), "{secret}: {found}");
    }
    assert_eq!(loaded(&[("EXPRESS_SESSION_PREVIOUS", &long)]).warnings, [], "it must still decrypt");
}

#[test]
fn of_glitch_may_be_anything_else_of_16_characters() {
    config(&[("EXPRESS_SESSION", "correct horse battery")]);
    config(&[("EXPRESS_SESSION", "my glitch app 2019!")]);
}

#[test]
fn has_predecessors_with_commas_between_them() {
    let found = warning(&[("EXPRESS_SESSION_PREVIOUS", "0123456789abcdef;fedcba9876543210")]);
    assert!(found.fix().contains("commas"), "{found}");
}
