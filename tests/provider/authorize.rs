use std::collections::HashMap;

use oauth2::{CsrfToken, PkceCodeVerifier};
use url::Url;
use videoask_auth::{
    config::{Pkce, ProviderConfig},
    provider::{AuthorizeParams, Nonce, Prompt},
};

use crate::stub::{config, local_url, provider};

/// The verifier of RFC 7636, appendix B, which also has its challenge.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn authorize(config: &ProviderConfig, prompt: Option<Prompt>) -> Url {
    provider(config).0.authorize_url(&AuthorizeParams {
        state: &CsrfToken::new("state-1".to_owned()),
        nonce: &Nonce::new("nonce-1".to_owned()),
        verifier: &PkceCodeVerifier::new(VERIFIER.to_owned()),
        prompt,
    })
}

fn query(url: &Url) -> HashMap<String, String> {
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    let query: HashMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(query.len(), pairs.len(), "no parameter comes twice: {url}");
    query
}

#[test]
fn the_authorize_url_carries_all_that_the_login_needs() {
    let url = authorize(&config(&local_url(9)), Some(Prompt::Login));
    assert_eq!(url.path(), "/authorize");
    let expected = [
        ("response_type", "code"),
        ("client_id", "client-1"),
        ("redirect_uri", "http://localhost:3000/auth/videoask/callback"),
        ("scope", "openid profile offline_access"),
        ("audience", "https://api.videoask.com/"),
        ("state", "state-1"),
        ("nonce", "nonce-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
    ];
    assert_eq!(query(&url), expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[test]
fn what_is_not_wanted_is_not_sent() {
    let mut config = config(&local_url(9));
    config.pkce = Pkce::Off;
    config.scopes = vec!["offline_access".to_owned()];
    let query = query(&authorize(&config, None));
    for absent in ["nonce", "code_challenge", "code_challenge_method", "prompt"] {
        assert!(!query.contains_key(absent), "{absent}");
    }
}

#[test]
fn a_base_path_of_the_authorization_server_is_kept() {
    let mut config = config(&local_url(9));
    config.auth_url.set_path("/tenant");
    assert_eq!(authorize(&config, None).path(), "/tenant/authorize");
    assert_eq!(provider(&config).0.token_endpoint().path(), "/tenant/oauth/token");
}
