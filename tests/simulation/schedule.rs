//! One schedule: which callers ask when, and which faults happen meanwhile, all from a seed.

use std::{sync::Arc, time::Duration};

use oauth2::{AccessToken, RefreshToken};
use videoask_auth::{
    keys::Keyring,
    store::RowKey,
    vault::{ConnectionId, Ending, Identity, MinLife, Record, Replace, TokenSet},
};

use super::{
    check::key_of,
    fault::{Faults, Mutation},
    process::{Mode, Process, issuer},
    provider::{Family, IssuedTokens, Tenant},
    random::Random,
    state::{ProcessId, ProcessStatus, Simulation},
};

/// For how long faults happen.
const FAULT_PERIOD: Duration = Duration::from_secs(15 * 60);
/// Longer than any message is in flight. After it and the life of a token, every token has expired.
const RECOVERY_PERIOD: Duration = Duration::from_secs(2 * 60);

/// The result of a schedule.
#[derive(Debug, PartialEq, Eq)]
pub struct ScheduleResult {
    pub violations: Vec<String>,
    pub exchanges: u64,
    pub hand_outs: u64,
    /// The next random number: it is the same only if all steps were the same.
    pub fingerprint: u64,
}

/// The faults that a schedule may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultSet {
    /// Those under which no spent token may be sent.
    Bearable,
    /// Everything.
    All,
}

pub struct Schedule {
    pub simulation: Simulation,
    processes: Vec<Process>,
    pub random: Random,
    faults: Faults,
    mode: Mode,
    /// Refresh tokens that were imported, with their owners.
    imports: Vec<(String, RowKey)>,
}

impl Schedule {
    pub fn new(seed: u64, fault_set: FaultSet, keys: &Arc<Keyring>, mutation: Option<Mutation>, verbose: bool) -> Self {
        let mut random = Random::new(seed);
        let faults = match fault_set {
            FaultSet::Bearable => Faults::bearable(&mut random),
            FaultSet::All => Faults::all(&mut random),
        };
        let leeway = *random.pick(&[0, 0, 10, 60]);
        let life = random.millis(60_000..400_000);
        let tenant = Tenant::new(random.chance(800), Duration::from_secs(leeway), life);
        let simulation =
            Simulation::new(Random::new(random.number()), faults.clone(), tenant, Arc::clone(keys), mutation);
        simulation.lock().verbose = verbose;
        simulation.lock().log(format_args!("seed {seed}, leeway {leeway} s, life {life:?}, {faults:?}"));
        let mode = *random.pick(&[Mode::Mint, Mode::Keep, Mode::Keep, Mode::KeepWithKeeper]);
        let processes = 2 + usize::try_from(random.below(2)).expect("small");
        Self::of(simulation, processes, mode, random, faults)
    }

    /// A schedule of so many processes.
    pub fn of(simulation: Simulation, processes: ProcessId, mode: Mode, random: Random, faults: Faults) -> Self {
        let processes = (0..processes).map(|id| Process::new(&simulation, id, mode)).collect();
        Self { simulation, processes, random, faults, mode, imports: Vec::new() }
    }

    pub fn run(mut self) -> ScheduleResult {
        self.log_in(0);
        while self.now() < FAULT_PERIOD && self.simulation.lock().check.violations.is_empty() {
            let until = self.now() + self.pause();
            self.run_until(until);
            self.random_step();
        }
        self.end();
        let mut simulation = self.simulation.lock();
        let fingerprint = simulation.random.number();
        let check = &simulation.check;
        let (exchanges, hand_outs) = (check.exchanges, check.hand_outs);
        ScheduleResult { violations: check.violations.clone(), exchanges, hand_outs, fingerprint }
    }

    fn pause(&mut self) -> Duration {
        let longest = *self.random.pick(&[200, 5_000, 60_000]);
        self.random.millis(0..longest)
    }

    fn random_step(&mut self) {
        match self.random.below(20) {
            0 => {
                let user = usize::try_from(self.random.below(2)).expect("small");
                self.log_in(user);
            }
            1..3 => self.any_process().disconnect_callers(),
            3 if self.random.chance(100 * self.faults.store_away) => {
                let away = self.random.millis(100..90_000);
                let mut simulation = self.simulation.lock();
                simulation.rows.away_until = simulation.now + away;
                simulation.log(format_args!("the store is away for {away:?}"));
            }
            4 if self.random.chance(100 * self.faults.store_loses) => self.simulation.lock().lose_writes(&key_of(0)),
            5 if self.random.chance(50) => self.end_a_grant(),
            6 => self.press_button(),
            7 if self.random.chance(300) => self.reject_token(),
            8 if self.random.chance(200) => self.end_connection(),
            9 if self.mode != Mode::Mint && self.random.chance(300) => self.import(),
            11 if self.random.chance(100 * self.faults.store_loses_lease) => {
                self.simulation.lock().lose_lease(&key_of(0));
            }
            12 if self.random.chance(5 * self.faults.wall_steps) => self.set_a_wall_clock(),
            10 if self.mode == Mode::Mint && self.random.chance(200) => self.log_out(),
            _ => self.callers(),
        }
    }

    /// Sets a wall clock wrong, or right again.
    fn set_a_wall_clock(&mut self) {
        let seconds = *self.random.pick(&[1, 30, 3_600, 86_400, 400 * 86_400]);
        let by = self.random.millis(seconds * 500..seconds * 1_000 + 1);
        let by = time::Duration::try_from(by).expect("it is short");
        let choice = self.random.below(3);
        let process = self.any_process();
        match choice {
            0 => process.correct_wall_clock(),
            1 => process.step_wall(by),
            _ => process.step_wall(-by),
        }
    }

    /// Several callers at once, at one process or at all of them.
    fn callers(&mut self) {
        let key = self.any_key();
        for index in 0..self.processes.len() {
            for _ in 0..self.random.below(3) {
                let need = if self.random.chance(300) {
                    MinLife::Strict(self.random.millis(0..30_000))
                } else {
                    MinLife::BestEffort
                };
                self.processes[index].ask(&key, need);
            }
        }
        self.poll();
    }

    /// The button, pressed in several processes on pages that show the same token set.
    fn press_button(&mut self) {
        let key = self.any_key();
        let Some((shown, _)) = self.simulation.lock().current(&key) else { return };
        for index in 0..self.processes.len() {
            self.processes[index].press(&key, shown.clone());
        }
        self.poll();
    }

    fn reject_token(&mut self) {
        let key = self.any_key();
        let Some((_, token)) = self.simulation.lock().current(&key) else { return };
        for index in 0..self.processes.len() {
            self.processes[index].refuse(&key, token.clone());
        }
        self.poll();
    }

    fn end_connection(&mut self) {
        let key = self.any_key();
        let shown = self.simulation.lock().current(&key).map(|(shown, _)| shown).filter(|_| self.random.chance(500));
        let ending = *self.random.pick(&[Ending::Revoke, Ending::Revoke, Ending::Forget]);
        self.any_process().end(&key, shown, ending);
        self.poll();
    }

    /// A session ends, and its record with it.
    fn log_out(&mut self) {
        let key = self.any_key();
        let mut simulation = self.simulation.lock();
        simulation.log(format_args!("{key:?} logs out"));
        simulation.rows.now.remove(&key);
    }

    /// Imports a new token, or one that was imported before, in one process or two.
    fn import(&mut self) {
        if self.imports.is_empty() || self.random.chance(400) {
            let mut simulation = self.simulation.lock();
            let now = simulation.now;
            let tokens = simulation.tenant.log_in(now);
            let owner = key_of(simulation.tenant.families.len() - 1);
            self.imports.extend(tokens.refresh.map(|token| (token, owner)));
        }
        let (token, owner) = self.random.pick(&self.imports).clone();
        for _ in 0..=self.random.below(2) {
            let replace = *self.random.pick(&[Replace::Live, Replace::OnlyDead]);
            self.any_process().import(RefreshToken::new(token.clone()), &owner, replace);
        }
        self.poll();
    }

    fn log_in(&mut self, user: Family) {
        let (tokens, family) = self.approve(user);
        let refresh = tokens.refresh.filter(|_| !self.random.chance(50));
        self.store_login(IssuedTokens { refresh, ..tokens }, family);
    }

    /// The user logs in at the tenant. The two users log in by turns, so the other one may do so too.
    pub fn approve(&mut self, user: Family) -> (IssuedTokens, Family) {
        let mut simulation = self.simulation.lock();
        let now = simulation.now;
        let mut tokens = simulation.tenant.log_in(now);
        while (simulation.tenant.families.len() - 1) % 2 != user {
            tokens = simulation.tenant.log_in(now);
        }
        (tokens, simulation.tenant.families.len() - 1)
    }

    /// Stores the tokens of a login, in any process.
    pub fn store_login(&mut self, IssuedTokens { access, refresh }: IssuedTokens, family: Family) {
        let (now, life, keys) = {
            let simulation = self.simulation.lock();
            (simulation.wall(), simulation.tenant.life, Arc::clone(&simulation.keys))
        };
        let tokens = TokenSet::dated(AccessToken::new(access), refresh.map(RefreshToken::new), None, Some(life), now);
        let mut record = Record::minted(&keys, tokens, Identity::default(), issuer());
        record.connection_id = ConnectionId::from(format!("connection-{family}"));
        self.any_process().log_in(&key_of(family), record);
        self.poll();
    }

    fn end_a_grant(&mut self) {
        let mut simulation = self.simulation.lock();
        let grants = simulation.tenant.families.len() as u64;
        let family = usize::try_from(simulation.random.below(grants)).expect("small");
        simulation.tenant.families[family].ended = true;
        simulation.log(format_args!("the tenant ends grant {family}"));
    }

    /// Stops all faults, lets every token expire, and asks every process once more.
    fn end(&mut self) {
        {
            let mut simulation = self.simulation.lock();
            simulation.log(format_args!("all faults stop"));
            simulation.faults = Faults::default();
            simulation.rows.away_until = Duration::ZERO;
            for status in simulation.status.values_mut() {
                status.frozen_until = Duration::ZERO;
                status.suspended_until = Duration::ZERO;
                status.cut_off_until = Duration::ZERO;
                status.crash_now = false;
            }
        }
        self.processes.iter_mut().for_each(Process::correct_wall_clock);
        self.poll();
        let until = self.now() + RECOVERY_PERIOD + self.simulation.lock().tenant.life;
        self.run_until(until);
        let until = self.simulation.lock().latest_retry().max(until) + Duration::from_secs(2);
        self.run_until(until);
        for key in [key_of(0), key_of(1)] {
            // One after the other: the tokens that one process refreshes must work for the next.
            for index in 0..self.processes.len() {
                self.processes[index].final_hand_out(&key);
            }
            self.poll();
            let until = self.now() + Duration::from_secs(60);
            self.run_until(until);
        }
        if self.processes.iter().any(|process| !process.is_idle()) {
            self.simulation.lock().check.fail("(d) a caller never got a response".to_owned());
        }
    }

    pub fn run_until(&mut self, until: Duration) {
        while self.simulation.lock().check.violations.is_empty() {
            let now = self.now();
            let delivery = self.simulation.next_delivery();
            let sleepers = self.processes.iter().filter_map(|process| Some(now + process.next_sleeper()?));
            let wake_times = self.wake_times(now);
            let next = delivery.into_iter().chain(sleepers).chain(wake_times).min().unwrap_or(until).clamp(now, until);
            for process in &mut self.processes {
                process.advance(next.saturating_sub(now));
            }
            self.simulation.lock().now = next;
            self.simulation.deliver();
            self.poll();
            if next >= until {
                return;
            }
        }
    }

    fn wake_times(&self, now: Duration) -> Vec<Duration> {
        let simulation = self.simulation.lock();
        simulation.status.values().map(ProcessStatus::inactive_until).filter(|wake| *wake > now).collect()
    }

    /// Polls the processes that have work and are not stopped.
    pub fn poll(&mut self) {
        let now = self.now();
        let woken = std::mem::take(&mut self.simulation.lock().woken);
        for process in &mut self.processes {
            process.wake(woken.contains(&process.id));
            let (crash_now, still_until) = {
                let mut simulation = self.simulation.lock();
                let status = simulation.status(process.id);
                (status.crash_now, status.inactive_until())
            };
            if crash_now {
                let explained = self.simulation.lock().mutation != Some(Mutation::ForgottenSet);
                process.crash(explained);
            }
            if still_until <= now {
                process.poll();
            }
        }
    }

    pub fn now(&self) -> Duration {
        self.simulation.lock().now
    }

    pub fn any_process(&mut self) -> &mut Process {
        let index = self.random.below(self.processes.len() as u64);
        &mut self.processes[usize::try_from(index).expect("small")]
    }

    fn any_key(&mut self) -> RowKey {
        key_of(usize::try_from(self.random.below(2)).expect("small"))
    }
}
