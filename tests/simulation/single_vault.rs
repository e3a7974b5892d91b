//! One vault in a simulation without faults: many callers at once, and the keeper.

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
    provider::{IssuedTokens, SimulatedProvider, Tenant},
    random::Random,
    state::{EPOCH, Simulation},
    store::SimulatedStore,
};

const CALLERS: usize = 10_000;

/// A simulation without faults, whose messages a test delivers one by one, and a vault in it.
struct SingleVault {
    simulation: Simulation,
    clock_control: videoask_auth::clock::ClockControl,
    vault: Vault,
}

impl SingleVault {
    fn new(keys: &Arc<Keyring>, life: Duration) -> Self {
        let tenant = Tenant::new(true, Duration::ZERO, life);
        let simulation = Simulation::new(Random::new(1), Faults::default(), tenant, Arc::clone(keys), None);
        let (clock, clock_control) = Clock::manual(EPOCH);
        let vault = Vault::new(
            Arc::new(SimulatedStore { simulation: simulation.clone(), process: 0 }),
            Arc::new(SimulatedProvider { simulation: simulation.clone(), process: 0 }),
            Arc::clone(keys),
            clock,
            Settings {
                process: "setup".to_owned(),
                issuer: issuer(),
                exchange_timeout: EXCHANGE_TIMEOUT,
                login_lifetime: LoginLifetime::Unlimited,
                refresh_policy: RefreshPolicy::Automatic(Allowed { list: String::new(), check: Arc::new(|_| true) }),
                callers: Callers::Requests,
                clock_tolerance: Settings::CLOCK_TOLERANCE,
            },
        );
        Self { simulation, clock_control, vault }
    }

    fn record(&self, keys: &Keyring, life: Duration, issued: OffsetDateTime) -> Record {
        let IssuedTokens { access, refresh } = self.simulation.lock().tenant.log_in(Duration::ZERO);
        let tokens =
            TokenSet::dated(AccessToken::new(access), refresh.map(RefreshToken::new), None, Some(life), issued);
        Record::minted(keys, tokens, Identity::default(), issuer())
    }

    /// Lets all tasks run, then delivers the next message. Returns false if none is in flight.
    async fn step(&self) -> bool {
        // The runtime polls some sixty tasks between two turns of this one.
        for _ in 0..=CALLERS / 50 {
            tokio::task::yield_now().await;
        }
        let Some(at) = self.simulation.next_delivery() else { return false };
        let by = at.saturating_sub(self.simulation.lock().now);
        self.clock_control.advance(by);
        self.simulation.lock().now = at;
        self.simulation.deliver();
        true
    }

    /// Lets all tasks run, then delivers the next message or advances to the next timer, whichever comes first.
    async fn step_or_sleep(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let now = self.simulation.lock().now;
        let sleep = self.clock_control.next_sleeper().map(|until| now + until);
        let delivery = self.simulation.next_delivery();
        if delivery.is_some_and(|at| sleep.is_none_or(|wake| at <= wake)) {
            self.step().await;
        } else {
            let wake = sleep.expect("the keeper sleeps");
            self.clock_control.advance(wake.saturating_sub(now));
            self.simulation.lock().now = wake;
        }
    }
}

#[tokio::test]
async fn ten_thousand_callers_share_one_exchange() {
    let keys = super::keys();
    let setup = SingleVault::new(&keys, Duration::from_secs(3600));
    let (key, record) = (key_of(0), setup.record(&keys, Duration::from_secs(60), EPOCH - Duration::from_secs(60)));
    let login = tokio::spawn({
        let (vault, key) = (setup.vault.clone(), key.clone());
        async move { vault.connect(&key, record, None, None).await }
    });
    while setup.step().await {}
    login.await.expect("the login does not panic").expect("the store takes it");
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (vault, key) = (setup.vault.clone(), key.clone());
        callers.spawn(async move { vault.hand_out(&key, MinLife::BestEffort).await.map(|handed| handed.version()) });
    }
    while setup.simulation.lock().check.exchanges == 0 {
        assert!(setup.step().await, "the exchange is on its way");
    }
    while !callers.is_empty() && setup.step().await {
        while let Some(caller) = callers.try_join_next() {
            let version = caller.expect("a caller does not panic").expect("a caller gets a token");
            assert_eq!(version.generation, 2);
        }
    }
    assert_eq!(setup.simulation.lock().check.exchanges, 1);
    while setup.step().await {}
    assert_eq!(setup.vault.drain(Duration::from_secs(1)).await, Drain::Complete);
}

/// By the simulated clock, so no load of this machine makes the keeper late.
#[tokio::test]
async fn the_keeper_refreshes_a_token_of_any_life_over_20_seconds_before_it_expires() {
    for life in [21, 25, 60, 3600].map(Duration::from_secs) {
        let keys = super::keys();
        let setup = SingleVault::new(&keys, life);
        let (vault, record) = (setup.vault.clone(), setup.record(&keys, life, EPOCH));
        let login = tokio::spawn(async move { vault.connect(&key_of(0), record, None, None).await });
        while setup.step().await {}
        login.await.expect("the login does not panic").expect("the store takes it");
        let vault = setup.vault.clone();
        let keeper = tokio::spawn(async move { vault.run_keeper(std::future::pending()).await });
        let mut issued = setup.simulation.lock().now;
        for exchanges in 1..=3 {
            while setup.simulation.lock().check.exchanges < exchanges {
                setup.step_or_sleep().await;
            }
            let now = setup.simulation.lock().now;
            let waited = now.saturating_sub(issued);
            assert!(waited < life, "a token of {life:?} was refreshed after {waited:?}");
            issued = now;
        }
        keeper.abort();
    }
}
