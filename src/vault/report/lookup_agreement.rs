//! A name means the same whether the store finds it by its hash or every record is decrypted.

use std::sync::Arc;

use async_trait::async_trait;
use oauth2::{AccessToken, RefreshToken};
use proptest::prelude::*;
use secrecy::SecretString;
use time::macros::datetime;

use crate::{
    clock::Clock,
    config::{LoginLifetime, StoreUrl},
    keys::Keyring,
    provider::{ExchangeError, TokenResponse},
    store::{
        self, IfMissing, RowKey, Store,
        records::{Page, State},
    },
    vault::{
        Allowed, Callers, EmailProof, Identity, Issuer, Provider, Record, RefreshPolicy, Settings, TokenSet, Vault,
        VaultError, error::Undecryptable, record::tombstone::Tombstone,
    },
};

#[derive(Debug)]
struct NoProvider;

#[async_trait]
impl Provider for NoProvider {
    async fn refresh(&self, _: &RefreshToken) -> Result<TokenResponse, ExchangeError> {
        unreachable!("a lookup sends nothing")
    }

    async fn revoke(&self, _: &RefreshToken) -> Result<(), ExchangeError> {
        unreachable!("a lookup sends nothing")
    }
}

/// Few, so that they meet. Some are ids that look like an e-mail, and one differs in case only.
const NAMES: [&str; 6] = ["ada@example.com", "ADA@example.com", "bob@example.com", "u-1", "U-1", "u-2"];
const SECRETS: [&str; 3] = ["the current secret", "the previous secret", "a secret that is gone"];

/// One stored record.
#[derive(Clone, Debug)]
struct Stored {
    identity: Identity,
    state: State,
    /// Which of [`SECRETS`] it was encrypted by.
    secret: usize,
    /// Whether it was written with its index, as by this version.
    indexed: bool,
}

fn stored() -> impl Strategy<Value = Stored> {
    let name = || prop::option::of(prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned));
    let states = [State::Live, State::Dead, State::Blocked, State::Revoking, State::Tombstone];
    let proof = prop::sample::select(vec![EmailProof::Verified, EmailProof::Vouched, EmailProof::No]);
    (name(), name(), name(), proof, prop::sample::select(states.to_vec()), 0..SECRETS.len(), any::<bool>()).prop_map(
        |(user_id, sub, email, email_proof, state, secret, indexed)| {
            let identity = Identity { user_id, sub, email, email_proof, ..Identity::default() };
            Stored { identity, state, secret, indexed }
        },
    )
}

/// A vault that knows some of the secrets, the first of them as its current one.
fn vault(store: &Arc<dyn Store>, secrets: &[&str], allowed: &str) -> Vault {
    let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
    let keys = Arc::new(Keyring::new(&secrets[0], &secrets[1..]));
    let (list, name) = (allowed.to_owned(), allowed.to_owned());
    let settings = Settings {
        process: "test".to_owned(),
        issuer: Issuer { client_id: "client".to_owned(), token_endpoint: "https://auth.example/token".to_owned() },
        exchange_timeout: std::time::Duration::from_secs(10),
        login_lifetime: LoginLifetime::Unlimited,
        refresh_policy: RefreshPolicy::Automatic(Allowed {
            list,
            check: Arc::new(move |identity: &Identity| identity.is_called(&name)),
        }),
        callers: Callers::Requests,
        clock_tolerance: Settings::CLOCK_TOLERANCE,
    };
    let (clock, _) = Clock::manual(datetime!(2026-11-24 08:00 UTC));
    Vault::new(Arc::<dyn Store>::clone(store), Arc::new(NoProvider), keys, clock, settings)
}

async fn put(store: &Arc<dyn Store>, place: usize, stored: &Stored) {
    let vault = vault(store, &[SECRETS[stored.secret]], NAMES[0]);
    let now = datetime!(2026-11-24 08:00 UTC);
    let token = AccessToken::new("access".to_owned());
    let tokens = TokenSet::dated(token, Some(RefreshToken::new("refresh".to_owned())), None, None, now);
    let record = Record::minted(&vault.0.keys, tokens, stored.identity.clone(), vault.0.settings.issuer.clone());
    let key = RowKey::of_user(&place.to_string());
    let mut row = vault.new_row(&key, &record, stored.state, None);
    if stored.state == State::Tombstone {
        row.sealed = vault.seal_tombstone(&key, &row.version, &Tombstone::of(&record, now));
    }
    if !stored.indexed {
        row.sealed.index = None;
    }
    store.put(&row, None).await.unwrap();
}

impl Vault {
    /// As [`Vault::find`], by decrypting every record.
    async fn find_by_decryption(&self, name: &str) -> Result<RowKey, VaultError> {
        let rows = self.0.store.list(Page { after: None, limit: 1000 }).await.unwrap();
        let users = self.users(rows);
        users.find(name)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_hash_finds_what_decrypting_everything_finds(rows in prop::collection::vec(stored(), 0..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = store::open(&StoreUrl::Memory, IfMissing::Create).await.unwrap().store;
            for (place, row) in rows.iter().enumerate() {
                put(&store, place, row).await;
            }
            for secrets in [&SECRETS[..2], &SECRETS[..1], &SECRETS[1..], &SECRETS[..]] {
                let vault = vault(&store, secrets, "bob@example.com");
                for name in NAMES.into_iter().chain(["nobody"]) {
                    let found = vault.find(name).await;
                    assert_eq!(found, vault.find_by_decryption(name).await, "{name} of {secrets:?}");
                    let unknown = rows.iter().filter(|row| !secrets.contains(&SECRETS[row.secret]));
                    let unknown = unknown.filter(|row| row.state != State::Tombstone).count();
                    if found == Err(VaultError::NotConnected) {
                        assert_eq!(unknown, 0);
                    } else if let Err(VaultError::Undecryptable(count)) = found {
                        assert_eq!(count, Undecryptable(unknown));
                    }
                }
            }
        });
    }
}
