use super::*;

#[test]
fn start_mint_mode_without_a_warning() {
    let Loaded { config, warnings, env_file } = loaded(&[]);
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(env_file, EnvLookup::NotRequested);
    assert_eq!(config.mode, Mode::Mint);
    assert!(config.api_keys.is_empty());
}

#[test]
fn leave_the_rest_to_defaults() {
    let config = config(&[]);
    assert_eq!(config.listen, Listen { host: "127.0.0.1".into(), port: 3000 });
    assert_eq!(config.provider.pkce, Pkce::On);
    assert_eq!(config.provider.exchange_timeout, Duration::from_secs(10));
    assert_eq!(config.provider.auth_url.as_str(), "https://auth.videoask.com/");
    assert_eq!(config.provider.issuer, "https://auth.videoask.com/");
    assert_eq!(config.provider.audience, "https://api.videoask.com/");
    assert_eq!(config.provider.callback.as_str(), "https://tokens.example.com/auth/videoask/callback");
    assert_eq!(config.api.url.as_str(), "https://api.videoask.com/");
    assert_eq!(config.api.organization_id, None);
    assert_eq!((config.telemetry.filter.as_deref(), config.telemetry.format), (None, LogFormat::Text));
}

#[test]
fn are_each_required_but_scopes() {
    for name in ["CLIENT_ID", "CLIENT_SECRET", "APP_URL", "EXPRESS_SESSION"] {
        for blank in ["", "  "] {
            let problem = problem(&[(name, blank)]);
            assert_eq!(about(&problem), name);
            assert_eq!(problem.message(), "it is required");
        }
    }
    assert_eq!(config(&[("SCOPES", "")]).provider.scopes, ["openid", "profile", "email", "offline_access"]);
}
