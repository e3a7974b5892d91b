//! One process: the real vault on a runtime of its own, which is polled by hand. Not polling it is a process that
//! stands still, and dropping it is `kill -9`: no task of it sees another poll.

use std::{sync::Arc, time::Duration};

use oauth2::{AccessToken, RefreshToken};
use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
    task::JoinHandle,
};
use videoask_auth::{
    clock::{Clock, ClockControl},
    config::LoginLifetime,
    notify::Notifier,
    store::{Limits, RowKey, records::Version},
    vault::{
        Allowed, Callers, Ending, HandedOut, Identity, Import, Issuer, MinLife, Record, RefreshPolicy, Replace,
        Settings, Vault, VaultError,
    },
};

use super::{
    fault::Mutation,
    provider::SimulatedProvider,
    receiver::SimulatedReceiver,
    store::SimulatedStore,
    world::{EPOCH, ProcessId, World},
};

pub const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a login is expected to last.
pub const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often a notifier looks at everything: not as often as the app's, or a year would take minutes.
const LOOK: Duration = Duration::from_secs(60 * 60);
pub const LEASE: Duration = Duration::from_secs(30);
/// How much the clocks of two machines differ at most.
pub const SKEW: Duration = Duration::from_secs(1);

/// Whose the tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Mint,
    Keep,
    KeepWithKeeper,
    /// Without the keeper, whose ticks would be most of the steps of a year.
    KeepAndNotify,
}

/// Those of a session that outlives every schedule.
const LIMITS: Limits =
    Limits { idle: EPOCH.saturating_add(time::Duration::DAY), absolute: EPOCH.saturating_add(time::Duration::DAY) };

pub struct Process {
    pub id: ProcessId,
    world: World,
    hand: ClockControl,
    clock: Clock,
    running: Option<(Runtime, Vault)>,
    callers: Vec<JoinHandle<()>>,
    mode: Mode,
    /// Whether any task has a reason to run.
    stirred: bool,
}

impl Process {
    pub fn new(world: &World, id: ProcessId, mode: Mode) -> Self {
        let skew = world.lock().random.millis(0..1000);
        let (clock, hand) = Clock::manual(EPOCH + skew);
        world.lock().health(id).wall_ahead = skew.try_into().expect("it is short");
        let mut process =
            Self { id, world: world.clone(), hand, clock, running: None, callers: Vec::new(), mode, stirred: true };
        process.start();
        process
    }

    fn start(&mut self) {
        let life = self.world.lock().health(self.id).life;
        let mutation = self.world.lock().mutation;
        let clock_tolerance = match mutation {
            Some(Mutation::UnboundedTimes) => Duration::from_secs(1_000 * 24 * 60 * 60),
            _ => Settings::CLOCK_TOLERANCE,
        };
        let runtime = Builder::new_current_thread().build().expect("a runtime without drivers always starts");
        let vault = Vault::new(
            Arc::new(SimulatedStore { world: self.world.clone(), process: self.id }),
            Arc::new(SimulatedProvider { world: self.world.clone(), process: self.id }),
            Arc::clone(&self.world.lock().keys),
            self.clock.clone(),
            Settings {
                process: format!("p{}.{life}", self.id),
                issuer: issuer(),
                exchange_timeout: EXCHANGE_TIMEOUT,
                login_lifetime: match self.mode {
                    Mode::KeepAndNotify => LoginLifetime::Limited(MONTH),
                    Mode::Mint | Mode::Keep | Mode::KeepWithKeeper => LoginLifetime::Unlimited,
                },
                refresh_policy: match self.mode {
                    Mode::Mint => RefreshPolicy::Manual,
                    Mode::Keep | Mode::KeepWithKeeper | Mode::KeepAndNotify => {
                        RefreshPolicy::Automatic(Allowed { list: String::new(), check: Arc::new(|_| true) })
                    }
                },
                callers: Callers::Command,
                clock_tolerance,
            },
        );
        if self.mode == Mode::KeepWithKeeper {
            let vault = vault.clone();
            runtime.spawn(async move { vault.keep(std::future::pending()).await });
        }
        if self.mode == Mode::KeepAndNotify {
            let (running, stopping) = watch::channel(());
            let notifier = self.notifier(&vault, format!("p{}.{life}", self.id));
            runtime.spawn(async move {
                notifier.run(stopping).await;
                drop(running);
            });
        }
        self.running = Some((runtime, vault));
        self.stirred = true;
    }

    fn notifier(&self, vault: &Vault, name: String) -> Notifier {
        let store = SimulatedStore { world: self.world.clone(), process: self.id };
        let receiver = SimulatedReceiver { world: self.world.clone(), process: self.id };
        let login_url = "https://app.test/auth/videoask".parse().expect("it is a URL");
        let notifier =
            Notifier::new(vault.clone(), Arc::new(store), Box::new(receiver), self.clock.clone(), login_url, name);
        notifier.every(LOOK)
    }

    /// When the next sleeper wakes: none does while the machine is suspended.
    pub fn next_sleeper(&self) -> Option<Duration> {
        if self.is_suspended() { None } else { self.hand.next_sleeper() }
    }

    /// Time passes for everybody.
    pub fn advance(&mut self, by: Duration) {
        if !self.is_suspended() {
            self.stirred |= self.hand.next_sleeper().is_some_and(|next| next <= by);
            self.hand.advance(by);
        } else if self.world.lock().mutation == Some(Mutation::MonotonicBudget) {
            self.hand.step_wall(by.try_into().expect("it is short"));
        } else {
            self.hand.suspend(by);
        }
    }

    fn is_suspended(&self) -> bool {
        let mut world = self.world.lock();
        let now = world.now;
        world.health(self.id).suspended_until > now
    }

    /// Somebody sets the wall clock of this process's machine.
    pub fn step_wall(&mut self, by: time::Duration) {
        self.hand.step_wall(by);
        let mut world = self.world.lock();
        world.health(self.id).wall_ahead += by;
        world.tell(format_args!("the wall clock of p{} is set by {by}", self.id));
    }

    /// The wall clock of this process's machine is right again, within a second.
    pub fn correct_wall(&mut self) {
        let ahead = self.world.lock().health(self.id).wall_ahead;
        if ahead.whole_seconds() != 0 {
            self.step_wall(time::Duration::milliseconds(500) - ahead);
        }
    }

    /// Something arrived, or did not.
    pub fn stir(&mut self, touched: bool) {
        self.stirred |= touched;
    }

    /// Lets every task run until all of them wait.
    pub fn poll(&mut self) {
        if let Some((runtime, _)) = self.running.as_ref().filter(|_| std::mem::take(&mut self.stirred)) {
            for _ in 0..2 {
                runtime.block_on(tokio::task::yield_now());
            }
        }
    }

    /// `kill -9`, and a new start. What is on the wire still arrives.
    pub fn crash(&mut self, excused: bool) {
        self.running = None;
        self.callers.clear();
        {
            let mut world = self.world.lock();
            let now = world.now;
            let health = world.health(self.id);
            let life = health.life;
            health.life += 1;
            health.crash_now = false;
            if excused {
                world.check.crashed(self.id, life, now);
            }
            world.tell(format_args!("p{} is killed, and starts again", self.id));
        }
        self.start();
    }

    /// A caller who wants a token, and checks it.
    pub fn ask(&mut self, key: &RowKey, need: MinLife) {
        let (world, id, key) = (self.world.clone(), self.id, key.clone());
        self.spawn(move |vault| async move {
            let result = vault.hand_out(&key, need).await;
            let mut world = world.lock();
            world.tell(format_args!("p{id} hands out {:?}", result.as_ref().map(HandedOut::version)));
            match &result {
                Ok(handed) => world.check_hand_out(id, handed),
                Err(VaultError::ReconnectRequired(_)) => {
                    let now = world.now;
                    world.check.login_needed.push((key, now));
                }
                Err(_) => {}
            }
        });
    }

    /// The last caller of a schedule.
    pub fn ask_at_the_end(&mut self, key: &RowKey) {
        let (world, id, key) = (self.world.clone(), self.id, key.clone());
        let mode = self.mode;
        self.spawn(move |vault| async move {
            let shown = world.lock().current(&key).filter(|_| mode == Mode::Mint);
            if let Some((shown, _)) = shown {
                // Nobody but the person refreshes; what comes of it is seen below.
                let _ = vault.refresh_now(&key, &shown).await;
            }
            let result = vault.hand_out(&key, MinLife::Strict(Duration::from_secs(1))).await;
            let mut world = world.lock();
            world.check_end(id, &key, &result);
            if let Ok(handed) = &result {
                world.check_hand_out(id, handed);
            }
            if vault.unsaved() > 0 {
                world.check.fail(format!("(d) p{id} still has an unsaved set"));
            }
        });
    }

    pub fn log_in(&mut self, key: &RowKey, record: Record) {
        let (world, id, key) = (self.world.clone(), self.id, key.clone());
        let limits = (self.mode == Mode::Mint).then_some(LIMITS);
        self.spawn(move |vault| async move {
            let stored = vault.connect(&key, record, limits).await;
            world.lock().tell(format_args!("p{id} stored a login: {stored:?}"));
        });
    }

    /// A person presses the button under the token set that the store has now.
    pub fn press(&mut self, key: &RowKey, shown: Version) {
        let (world, id, key) = (self.world.clone(), self.id, key.clone());
        self.spawn(move |vault| async move {
            let refreshed = vault.refresh_now(&key, &shown).await;
            world.lock().tell(format_args!("p{id} was asked to refresh {shown:?}: {refreshed:?}"));
        });
    }

    /// The API refused a token.
    pub fn refuse(&mut self, key: &RowKey, refused: AccessToken) {
        let (world, id, key) = (self.world.clone(), self.id, key.clone());
        self.spawn(move |vault| async move {
            let handed = vault.replace_rejected(&key, &refused, MinLife::BestEffort).await;
            let mut world = world.lock();
            world.tell(format_args!("p{id} was told of a refused token: {handed:?}"));
            if let Ok(handed) = handed {
                world.check_hand_out(id, &handed);
            }
        });
    }

    /// A person revokes, or the operator forgets.
    pub fn end(&mut self, key: &RowKey, shown: Option<Version>, ending: Ending) {
        let (world, id, key) = (self.world.clone(), self.id, key.clone());
        self.spawn(move |vault| async move {
            let ended = vault.end(&key, shown.as_ref(), ending).await;
            world.lock().tell(format_args!("p{id} was asked to {ending:?} {shown:?}: {ended:?}"));
        });
    }

    /// The operator imports a refresh token, and finds that it is this user's; perhaps not for the first time.
    pub fn import(&mut self, token: RefreshToken, owner: &RowKey, replace: Replace) {
        let (world, id, owner) = (self.world.clone(), self.id, owner.clone());
        self.spawn(move |vault| async move {
            let imported = vault.import(token).await;
            world.lock().tell(format_args!("p{id} has imported: {imported:?}"));
            if let Ok(Import::Pending(pending)) = imported {
                let adopted = vault.adopt(*pending, &owner, Identity::default(), replace).await;
                world.lock().tell(format_args!("p{id} gives it to {owner:?}: {adopted:?}"));
            }
        });
    }

    /// Callers give up.
    pub fn hang_up(&mut self) {
        let any = self.callers.iter().any(|caller| !caller.is_finished());
        self.stirred = true;
        for caller in self.callers.drain(..) {
            caller.abort();
        }
        if any && self.world.lock().mutation == Some(Mutation::HangUpKills) {
            self.crash(false);
        }
    }

    /// Whether every caller has been answered.
    pub fn is_idle(&self) -> bool {
        self.callers.iter().all(JoinHandle::is_finished)
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&mut self, task: impl FnOnce(Vault) -> F) {
        if let Some((runtime, vault)) = &self.running {
            self.stirred = true;
            self.callers.retain(|caller| !caller.is_finished());
            self.callers.push(runtime.spawn(task(vault.clone())));
        }
    }
}

pub fn issuer() -> Issuer {
    Issuer { client_id: "client".to_owned(), token_endpoint: "https://tenant.test/oauth/token".to_owned() }
}
