//! The `Debug` output of types with secrets shows none of them, because a careless log line could print it.

use std::fmt::Debug;

use oauth2::{AccessToken, RefreshToken};
use videoask_auth::{
    config::Config,
    keys::Keyring,
    login::PendingLogin,
    provider::{IdToken, Provider, TokenResponse},
    store::{self, IfMissing, RowKey, records::State},
    telemetry::Metrics,
    vault::{Identity, Issuer, Record, TokenSet},
    web::{PendingLogins, Sessions},
};

use crate::support::{EPOCH, TestServer};

const CANARY: &str = "canary-1f7a3c9e5b2d";

fn assert_silent(what: &dyn Debug) {
    for text in [format!("{what:?}"), format!("{what:#?}")] {
        assert!(!text.contains(CANARY), "{text}");
    }
}

fn config() -> Config {
    let keep = format!("{CANARY}-that-is-long-enough-to-keep");
    let loaded = Config::from_pairs([
        ("CLIENT_ID", "client"),
        ("CLIENT_SECRET", CANARY),
        ("APP_URL", "http://localhost:3000"),
        ("EXPRESS_SESSION", keep.as_str()),
        ("EXPRESS_SESSION_PREVIOUS", CANARY),
        ("ALLOWED_USERS", "ada@example.com"),
        ("API_KEY", &format!("key-{keep}")),
        ("STORE_URL", &format!("redis://:{CANARY}@127.0.0.1:9")),
    ]);
    loaded.unwrap_or_else(|problems| panic!("{problems}")).config
}

fn tokens() -> TokenSet {
    let refresh = RefreshToken::new(CANARY.to_owned());
    TokenSet::dated(AccessToken::new(CANARY.to_owned()), Some(refresh), None, None, EPOCH)
}

#[tokio::test]
async fn the_configuration_and_what_is_built_of_it_show_no_secret() {
    let (config, server) = (config(), TestServer::start().await);
    assert_silent(&config);
    let (clock, _) = videoask_auth::clock::Clock::manual(EPOCH);
    assert_silent(
        &Provider::new(&config.provider, clock.clone(), Metrics::default()).expect("the client can be built"),
    );
    let keys = std::sync::Arc::new(Keyring::new(&config.secrets.current, &config.secrets.previous));
    assert_silent(&keys);
    assert_silent(&Sessions::new(server.store.clone(), keys.clone(), clock));
    assert_silent(&PendingLogins::new(keys, videoask_auth::web::CookiePolicy::new(&config.app_url)));
    let refused = store::open(&config.store, IfMissing::Create).await;
    assert_silent(&refused.expect_err("nobody listens there"));
}

#[test]
fn tokens_records_and_pending_logins_show_no_secret() {
    let keys = Keyring::new(&config().secrets.current, &[]);
    let issuer = Issuer { client_id: "client".into(), token_endpoint: "http://127.0.0.1:9/oauth/token".into() };
    let record = Record::minted(&keys, tokens(), Identity::default(), issuer);
    assert_silent(&tokens());
    assert_silent(&record);
    assert_silent(&record.new_row(&keys, &RowKey("row".into()), State::Live, None));
    assert_silent(&IdToken::new(CANARY.to_owned()));
    assert_silent(&TokenResponse {
        access_token: AccessToken::new(CANARY.to_owned()),
        refresh_token: Some(RefreshToken::new(CANARY.to_owned())),
        id_token: Some(IdToken::new(CANARY.to_owned())),
        scope: None,
        expires_in: None,
    });

    let login = PendingLogin::start(EPOCH);
    let shown = format!("{login:?}");
    for secret in [login.state.secret(), login.verifier.secret(), login.nonce.secret()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
