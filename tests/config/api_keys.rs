use super::*;

fn with_keys(keys: &str) -> Result<Loaded, ConfigError> {
    Config::from_pairs(pairs(&[("ALLOWED_USERS", "u-1"), ("API_KEY", keys)]))
}

#[test]
fn are_one_or_more() {
    let config = with_keys(&format!("{KEY}, {KEY}2")).unwrap().config;
    let keys: Vec<_> = config.api_keys.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(keys, [KEY.to_owned(), format!("{KEY}2")]);
}

#[test]
fn that_are_weak_missing_or_used_elsewhere_are_refused() {
    let cases = [
        ("one-short-of-32-characters-long", "shorter than 32"),
        (&format!("{KEY},"), "an element is empty"),
        (&format!("{KEY},,{KEY}"), "an element is empty"),
        ("a key with spaces is no good for a header", "Authorization header"),
        (&format!("{KEY};{KEY}"), "Authorization header"),
        (&format!("{KEY} {KEY}"), "Authorization header"),
        (&format!("{KEY},{}", "changeme".repeat(4)), "can be guessed"),
        (&"0123456789".repeat(4), "can be guessed"),
        (GLITCH[4].1, "the same as another secret"),
    ];
    for (keys, wrong) in cases {
        let problem = only(&with_keys(keys).unwrap_err());
        assert!(problem.message().contains(wrong), "{}", problem.message());
    }
}

#[test]
fn need_allowed_users() {
    assert!(problem(&[("API_KEY", KEY)]).message().contains("ALLOWED_USERS"));
}
