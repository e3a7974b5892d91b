//! Many callers at the moment of expiry.

use std::{sync::Arc, time::Duration};

use oauth2::{AccessToken, RefreshToken};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use videoask_auth::{
    clock::Clock,
    config::LoginLifetime,
    keys::Keyring,
    vault::{Allowed, Callers, Drain, Identity, MinLife, Record, RefreshPolicy, Settings, TokenSet, Vault},
};

use super::{
    check::key_of,
    fault::Faults,
    process::{EXCHANGE_TIMEOUT, issuer},
    provider::{Pair, SimulatedProvider, Tenant},
    random::Random,
    store::SimulatedStore,
    world::{EPOCH, World},
};

const CALLERS: usize = 10_000;

/// A world without faults whose wire is worked by hand, and a vault in it with a token that has run out.
struct Crowd {
    world: World,
    hand: videoask_auth::clock::ClockControl,
    vault: Vault,
}

impl Crowd {
    fn new(keys: &Arc<Keyring>, life: Duration) -> Self {
        let tenant = Tenant::new(true, Duration::ZERO, life);
        let world = World::new(Random::new(1), Faults::default(), tenant, Arc::clone(keys), None);
        let (clock, hand) = Clock::manual(EPOCH);
        let vault = Vault::new(
            Arc::new(SimulatedStore { world: world.clone(), process: 0 }),
            Arc::new(SimulatedProvider { world: world.clone(), process: 0 }),
            Arc::clone(keys),
            clock,
            Settings {
                process: "crowd".to_owned(),
                issuer: issuer(),
                exchange_timeout: EXCHANGE_TIMEOUT,
                login_lifetime: LoginLifetime::Unlimited,
                refresh_policy: RefreshPolicy::Automatic(Allowed { list: String::new(), check: Arc::new(|_| true) }),
                callers: Callers::Requests,
                clock_tolerance: Settings::CLOCK_TOLERANCE,
            },
        );
        Self { world, hand, vault }
    }

    fn record(&self, keys: &Keyring, life: Duration, issued: OffsetDateTime) -> Record {
        let Pair { access, refresh } = self.world.lock().tenant.log_in(Duration::ZERO);
        let tokens =
            TokenSet::dated(AccessToken::new(access), refresh.map(RefreshToken::new), None, Some(life), issued);
        Record::minted(keys, tokens, Identity::default(), issuer())
    }

    /// Lets everybody run, and then the next letter arrive. False once nothing is on its way.
    async fn step(&self) -> bool {
        // The runtime polls some sixty tasks between two turns of this one.
        for _ in 0..=CALLERS / 50 {
            tokio::task::yield_now().await;
        }
        let Some(at) = self.world.next_letter() else { return false };
        let by = at.saturating_sub(self.world.lock().now);
        self.hand.advance(by);
        self.world.lock().now = at;
        self.world.deliver();
        true
    }

    /// Lets everybody run, and then comes what is next: a letter, or the end of somebody's sleep.
    async fn step_or_sleep(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let now = self.world.lock().now;
        let sleep = self.hand.next_sleeper().map(|until| now + until);
        let letter = self.world.next_letter();
        if letter.is_some_and(|at| sleep.is_none_or(|wake| at <= wake)) {
            self.step().await;
        } else {
            let wake = sleep.expect("the keeper sleeps");
            self.hand.advance(wake.saturating_sub(now));
            self.world.lock().now = wake;
        }
    }
}

#[tokio::test]
async fn ten_thousand_callers_share_one_exchange() {
    let keys = super::keys();
    let crowd = Crowd::new(&keys, Duration::from_secs(3600));
    let (key, record) = (key_of(0), crowd.record(&keys, Duration::from_secs(60), EPOCH - Duration::from_secs(60)));
    let login = tokio::spawn({
        let (vault, key) = (crowd.vault.clone(), key.clone());
        async move { vault.connect(&key, record, None).await }
    });
    while crowd.step().await {}
    login.await.expect("the login does not panic").expect("the store takes it");
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (vault, key) = (crowd.vault.clone(), key.clone());
        callers.spawn(async move { vault.hand_out(&key, MinLife::BestEffort).await.map(|handed| handed.version()) });
    }
    while crowd.world.lock().check.exchanges == 0 {
        assert!(crowd.step().await, "the exchange is on its way");
    }
    while !callers.is_empty() && crowd.step().await {
        while let Some(caller) = callers.try_join_next() {
            let version = caller.expect("a caller does not panic").expect("a caller gets a token");
            assert_eq!(version.generation, 2);
        }
    }
    assert_eq!(crowd.world.lock().check.exchanges, 1);
    while crowd.step().await {}
    assert_eq!(crowd.vault.drain(Duration::from_secs(1)).await, Drain::Complete);
}

/// By the simulated clock, so no load of this machine makes the keeper late.
#[tokio::test]
async fn the_keeper_refreshes_a_token_of_any_life_over_20_seconds_before_it_expires() {
    for life in [21, 25, 60, 3600].map(Duration::from_secs) {
        let keys = super::keys();
        let crowd = Crowd::new(&keys, life);
        let (vault, record) = (crowd.vault.clone(), crowd.record(&keys, life, EPOCH));
        let login = tokio::spawn(async move { vault.connect(&key_of(0), record, None).await });
        while crowd.step().await {}
        login.await.expect("the login does not panic").expect("the store takes it");
        let vault = crowd.vault.clone();
        let keeper = tokio::spawn(async move { vault.keep(std::future::pending()).await });
        let mut issued = crowd.world.lock().now;
        for exchanges in 1..=3 {
            while crowd.world.lock().check.exchanges < exchanges {
                crowd.step_or_sleep().await;
            }
            let now = crowd.world.lock().now;
            let waited = now.saturating_sub(issued);
            assert!(waited < life, "a token of {life:?} was refreshed after {waited:?}");
            issued = now;
        }
        keeper.abort();
    }
}
