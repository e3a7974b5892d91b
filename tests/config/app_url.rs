use super::*;

#[test]
fn is_https_or_http_to_this_machine() {
    let cases = [
        ("https://tokens.example.com/", "https://tokens.example.com"),
        ("HTTPS://Tokens.Example.COM:443", "https://tokens.example.com"),
        ("https://tokens.example.com:8443", "https://tokens.example.com:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.8.9.1:3000", "http://127.8.9.1:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ];
    for (value, origin) in cases {
        assert_eq!(config(&[("APP_URL", value)]).app_url.origin(), origin);
    }
    assert!(!config(&[("APP_URL", "http://localhost:3000")]).app_url.is_https());
}

#[test]
fn is_nothing_else() {
    let values = [
        "tokens.example.com",
        "localhost:3000",
        "ftp://tokens.example.com",
        "http://tokens.example.com",
        "http://localhost.example.com",
        "http://0.0.0.0:3000",
        "https://ada:canary@tokens.example.com",
        "https://tokens.example.com?x=y",
        "https://tokens.example.com/#x",
        "https://",
    ];
    assert_refused("APP_URL", &values);
}

#[test]
fn with_a_path_is_refused_and_the_fix_names_the_origin() {
    let problem = problem(&[("APP_URL", "https://Tokens.example.com/auth/videoask/callback")]);
    assert_eq!(problem.fix(), "Write https://tokens.example.com alone.");
}

#[test]
fn at_glitch_is_refused_with_the_reason() {
    for value in ["https://videoask-x.glitch.me", "https://VIDEOASK-X.GLITCH.ME/"] {
        assert!(problem(&[("APP_URL", value)]).message().contains("Glitch stopped hosting"));
    }
    config(&[("APP_URL", "https://notglitch.me")]);
}
