//! One process: the real vault in a runtime of its own, which the simulation polls. If it is not polled, the process is
//! stopped. Dropping it is `kill -9`: none of its tasks is polled again.

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
    state::{EPOCH, ProcessId, Simulation},
    store::SimulatedStore,
};

pub const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a login is expected to last.
pub const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often a notifier looks at all connections. The app's interval is shorter, but a year of it would take minutes.
const NOTIFIER_INTERVAL: Duration = Duration::from_secs(60 * 60);
pub const LEASE: Duration = Duration::from_secs(30);
/// How much the clocks of two machines differ at most.
pub const CLOCK_SKEW: Duration = Duration::from_secs(1);

/// The mode that the processes run in, and their background tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Mint,
    Keep,
    KeepWithKeeper,
    /// Without the keeper: its ticks would be most of the steps of a year.
    KeepAndNotify,
}

/// The limits of a session that lasts longer than every schedule.
const LIMITS: Limits =
    Limits { idle: EPOCH.saturating_add(time::Duration::DAY), absolute: EPOCH.saturating_add(time::Duration::DAY) };

pub struct Process {
    pub id: ProcessId,
    simulation: Simulation,
    clock_control: ClockControl,
    clock: Clock,
    running: Option<(Runtime, Vault)>,
    callers: Vec<JoinHandle<()>>,
    mode: Mode,
    /// Whether a task may have to run.
    has_work: bool,
}

impl Process {
    pub fn new(simulation: &Simulation, id: ProcessId, mode: Mode) -> Self {
        let skew = simulation.lock().random.millis(0..1000);
        let (clock, clock_control) = Clock::manual(EPOCH + skew);
        simulation.lock().status(id).wall_ahead = skew.try_into().expect("it is short");
        let mut process = Self {
            id,
            simulation: simulation.clone(),
            clock_control,
            clock,
            running: None,
            callers: Vec::new(),
            mode,
            has_work: true,
        };
        process.start();
        process
    }

    fn start(&mut self) {
        let incarnation = self.simulation.lock().status(self.id).incarnation;
        let mutation = self.simulation.lock().mutation;
        let clock_tolerance = match mutation {
            Some(Mutation::UnboundedTimes) => Duration::from_secs(1_000 * 24 * 60 * 60),
            _ => Settings::CLOCK_TOLERANCE,
        };
        let runtime = Builder::new_current_thread().build().expect("a runtime without drivers always starts");
        let vault = Vault::new(
            Arc::new(SimulatedStore { simulation: self.simulation.clone(), process: self.id }),
            Arc::new(SimulatedProvider { simulation: self.simulation.clone(), process: self.id }),
            Arc::clone(&self.simulation.lock().keys),
            self.clock.clone(),
            Settings {
                process: format!("p{}.{incarnation}", self.id),
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
            runtime.spawn(async move { vault.run_keeper(std::future::pending()).await });
        }
        if self.mode == Mode::KeepAndNotify {
            let (running, stopping) = watch::channel(());
            let notifier = self.notifier(&vault, format!("p{}.{incarnation}", self.id));
            runtime.spawn(async move {
                notifier.run(stopping).await;
                drop(running);
            });
        }
        self.running = Some((runtime, vault));
        self.has_work = true;
    }

    fn notifier(&self, vault: &Vault, name: String) -> Notifier {
        let store = SimulatedStore { simulation: self.simulation.clone(), process: self.id };
        let receiver = SimulatedReceiver { simulation: self.simulation.clone(), process: self.id };
        let login_url = "https://app.test/auth/videoask".parse().expect("it is a URL");
        let notifier =
            Notifier::new(vault.clone(), Arc::new(store), Box::new(receiver), self.clock.clone(), login_url, name);
        notifier.every(NOTIFIER_INTERVAL)
    }

    /// When the next timer is due. While the machine is suspended, none is.
    pub fn next_sleeper(&self) -> Option<Duration> {
        if self.is_suspended() { None } else { self.clock_control.next_sleeper() }
    }

    /// Advances the clocks of this process.
    pub fn advance(&mut self, by: Duration) {
        if !self.is_suspended() {
            self.has_work |= self.clock_control.next_sleeper().is_some_and(|next| next <= by);
            self.clock_control.advance(by);
        } else if self.simulation.lock().mutation == Some(Mutation::MonotonicBudget) {
            self.clock_control.step_wall(by.try_into().expect("it is short"));
        } else {
            self.clock_control.suspend(by);
        }
    }

    fn is_suspended(&self) -> bool {
        let mut simulation = self.simulation.lock();
        let now = simulation.now;
        simulation.status(self.id).suspended_until > now
    }

    /// Sets the wall clock of this process's machine.
    pub fn step_wall(&mut self, by: time::Duration) {
        self.clock_control.step_wall(by);
        let mut simulation = self.simulation.lock();
        simulation.status(self.id).wall_ahead += by;
        simulation.log(format_args!("the wall clock of p{} is set by {by}", self.id));
    }

    /// Sets the wall clock of this process's machine right, to within a second.
    pub fn correct_wall_clock(&mut self) {
        let ahead = self.simulation.lock().status(self.id).wall_ahead;
        if ahead.whole_seconds() != 0 {
            self.step_wall(time::Duration::milliseconds(500) - ahead);
        }
    }

    pub fn wake(&mut self, woken: bool) {
        self.has_work |= woken;
    }

    /// Polls the tasks until all of them wait.
    pub fn poll(&mut self) {
        if let Some((runtime, _)) = self.running.as_ref().filter(|_| std::mem::take(&mut self.has_work)) {
            for _ in 0..2 {
                runtime.block_on(tokio::task::yield_now());
            }
        }
    }

    /// `kill -9`, and a new start. Messages in flight still arrive.
    pub fn crash(&mut self, explained: bool) {
        self.running = None;
        self.callers.clear();
        {
            let mut simulation = self.simulation.lock();
            let now = simulation.now;
            let status = simulation.status(self.id);
            let incarnation = status.incarnation;
            status.incarnation += 1;
            status.crash_now = false;
            if explained {
                simulation.check.crashed(self.id, incarnation, now);
            }
            simulation.log(format_args!("p{} is killed, and starts again", self.id));
        }
        self.start();
    }

    /// A caller asks for a token, which is checked.
    pub fn ask(&mut self, key: &RowKey, need: MinLife) {
        let (simulation, id, key) = (self.simulation.clone(), self.id, key.clone());
        self.spawn(move |vault| async move {
            let result = vault.hand_out(&key, need).await;
            let mut simulation = simulation.lock();
            simulation.log(format_args!("p{id} hands out {:?}", result.as_ref().map(HandedOut::version)));
            match &result {
                Ok(handed) => simulation.check_hand_out(id, handed),
                Err(VaultError::ReconnectRequired(_)) => {
                    let now = simulation.now;
                    simulation.check.login_needed.push((key, now));
                }
                Err(_) => {}
            }
        });
    }

    /// The last caller of a schedule.
    pub fn final_hand_out(&mut self, key: &RowKey) {
        let (simulation, id, key) = (self.simulation.clone(), self.id, key.clone());
        let mode = self.mode;
        self.spawn(move |vault| async move {
            let shown = simulation.lock().current(&key).filter(|_| mode == Mode::Mint);
            if let Some((shown, _)) = shown {
                // In mint mode only the person refreshes. The hand-out below checks the result.
                let _ = vault.refresh_now(&key, &shown).await;
            }
            let result = vault.hand_out(&key, MinLife::Strict(Duration::from_secs(1))).await;
            let mut simulation = simulation.lock();
            simulation.check_end(id, &key, &result);
            if let Ok(handed) = &result {
                simulation.check_hand_out(id, handed);
            }
            if vault.unsaved() > 0 {
                simulation.check.fail(format!("(d) p{id} still has an unsaved set"));
            }
        });
    }

    pub fn log_in(&mut self, key: &RowKey, record: Record) {
        let (simulation, id, key) = (self.simulation.clone(), self.id, key.clone());
        let limits = (self.mode == Mode::Mint).then_some(LIMITS);
        self.spawn(move |vault| async move {
            let stored = vault.connect(&key, record, limits, None).await;
            simulation.lock().log(format_args!("p{id} stored a login: {stored:?}"));
        });
    }

    /// A person presses the button on a page that shows this token set.
    pub fn press(&mut self, key: &RowKey, shown: Version) {
        let (simulation, id, key) = (self.simulation.clone(), self.id, key.clone());
        self.spawn(move |vault| async move {
            let refreshed = vault.refresh_now(&key, &shown).await;
            simulation.lock().log(format_args!("p{id} was asked to refresh {shown:?}: {refreshed:?}"));
        });
    }

    /// The API rejected a token.
    pub fn refuse(&mut self, key: &RowKey, refused: AccessToken) {
        let (simulation, id, key) = (self.simulation.clone(), self.id, key.clone());
        self.spawn(move |vault| async move {
            let handed = vault.replace_rejected(&key, &refused, MinLife::BestEffort).await;
            let mut simulation = simulation.lock();
            simulation.log(format_args!("p{id} was told of a refused token: {handed:?}"));
            if let Ok(handed) = handed {
                simulation.check_hand_out(id, &handed);
            }
        });
    }

    /// A person revokes, or the operator forgets.
    pub fn end(&mut self, key: &RowKey, shown: Option<Version>, ending: Ending) {
        let (simulation, id, key) = (self.simulation.clone(), self.id, key.clone());
        self.spawn(move |vault| async move {
            let ended = vault.end(&key, shown.as_ref(), ending).await;
            simulation.lock().log(format_args!("p{id} was asked to {ending:?} {shown:?}: {ended:?}"));
        });
    }

    /// The operator imports this user's refresh token, perhaps not for the first time.
    pub fn import(&mut self, token: RefreshToken, owner: &RowKey, replace: Replace) {
        let (simulation, id, owner) = (self.simulation.clone(), self.id, owner.clone());
        self.spawn(move |vault| async move {
            let imported = vault.import(token).await;
            simulation.lock().log(format_args!("p{id} has imported: {imported:?}"));
            if let Ok(Import::Pending(pending)) = imported {
                let adopted = vault.adopt(*pending, &owner, Identity::default(), replace).await;
                simulation.lock().log(format_args!("p{id} gives it to {owner:?}: {adopted:?}"));
            }
        });
    }

    /// All callers disconnect.
    pub fn disconnect_callers(&mut self) {
        let any = self.callers.iter().any(|caller| !caller.is_finished());
        self.has_work = true;
        for caller in self.callers.drain(..) {
            caller.abort();
        }
        if any && self.simulation.lock().mutation == Some(Mutation::DisconnectCancels) {
            self.crash(false);
        }
    }

    /// Whether every caller has its response.
    pub fn is_idle(&self) -> bool {
        self.callers.iter().all(JoinHandle::is_finished)
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&mut self, task: impl FnOnce(Vault) -> F) {
        if let Some((runtime, vault)) = &self.running {
            self.has_work = true;
            self.callers.retain(|caller| !caller.is_finished());
            self.callers.push(runtime.spawn(task(vault.clone())));
        }
    }
}

pub fn issuer() -> Issuer {
    Issuer { client_id: "client".to_owned(), token_endpoint: "https://tenant.test/oauth/token".to_owned() }
}
