use super::*;

#[test]
fn urls_lose_a_trailing_slash_and_the_issuer_follows() {
    let config = config(&[
        ("VIDEOASK_AUTH_URL", "http://127.0.0.1:9000/base/"),
        ("VIDEOASK_API_URL", "https://proxy.example.com/videoask//"),
    ]);
    assert_eq!(config.provider.auth_url.as_str(), "http://127.0.0.1:9000/base");
    assert_eq!(config.provider.issuer, "http://127.0.0.1:9000/base/");
    assert_eq!(config.api.url.as_str(), "https://proxy.example.com/videoask");
}

#[test]
fn issuer_and_audience_are_kept_to_the_letter() {
    let config = config(&[("ISSUER", "https://Issuer.example.com"), ("AUDIENCE", "https://aud.example.com/x/")]);
    assert_eq!(config.provider.issuer, "https://Issuer.example.com");
    assert_eq!(config.provider.audience, "https://aud.example.com/x/");
}

#[test]
fn urls_are_https_or_loopback() {
    for name in ["VIDEOASK_AUTH_URL", "VIDEOASK_API_URL", "AUDIENCE", "ISSUER"] {
        assert_refused(name, &["http://example.com", "example.com", "https://a:b@example.com", "https://x/?q"]);
    }
}

#[test]
fn switches_and_header_values_are_checked() {
    assert_eq!(config(&[("PKCE", "off")]).provider.pkce, Pkce::Off);
    assert_refused("PKCE", &["false", "ON"]);
    let organization = config(&[("ORGANIZATION_ID", "org-1")]).api.organization_id;
    assert_eq!(organization.as_deref(), Some("org-1"));
    assert_refused("ORGANIZATION_ID", &["a\nb", "é", "a b"]);
}

#[test]
fn an_exchange_takes_from_a_second_to_a_minute() {
    for (value, milliseconds) in [("1s", 1_000), ("1500ms", 1_500), ("1m", 60_000), ("60s", 60_000)] {
        let timeout = config(&[("EXCHANGE_TIMEOUT", value)]).provider.exchange_timeout;
        assert_eq!(timeout, Duration::from_millis(milliseconds));
    }
    let values = ["999ms", "61s", "10", "s", "ten seconds", "1.5s", "-1s", "99999999999999999999s", "1 s"];
    assert_refused("EXCHANGE_TIMEOUT", &values);
}
