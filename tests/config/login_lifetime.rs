use videoask_auth::config::LoginLifetime;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn is_from_a_day_to_400_days_or_unlimited() {
    for (text, lifetime) in [
        ("1d", LoginLifetime::Limited(DAY)),
        ("36h", LoginLifetime::Limited(DAY + DAY / 2)),
        ("400d", LoginLifetime::Limited(400 * DAY)),
        ("unlimited", LoginLifetime::Unlimited),
    ] {
        assert_eq!(config(&[("REFRESH_TOKEN_LIFETIME", text)]).login_lifetime, lifetime, "{text}");
    }
    assert_refused("REFRESH_TOKEN_LIFETIME", &["23h", "401d", "30", "d", "never", "-1d", "1 d"]);
}

#[test]
fn is_30_days_by_default() {
    assert_eq!(config(&[]).login_lifetime, LoginLifetime::Limited(30 * DAY));
}
