//! One schedule: who asks what when, and what goes wrong meanwhile; all of it from a seed.

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
    provider::{Family, Pair, Tenant},
    random::Random,
    world::{Health, ProcessId, World},
};

/// Faults go on for this long, and then stop.
const STORMY: Duration = Duration::from_secs(15 * 60);
/// Longer than anything is on its way; and then every token has run out.
const CALM: Duration = Duration::from_secs(2 * 60);

/// What a schedule came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Story {
    pub violations: Vec<String>,
    pub exchanges: u64,
    pub hand_outs: u64,
    /// The next number that chance would have given: the same only after all the same steps.
    pub fingerprint: u64,
}

/// Which faults a schedule may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Not one spent token is sent, whatever happens here.
    Bearable,
    /// Everything.
    All,
}

pub struct Schedule {
    pub world: World,
    processes: Vec<Process>,
    pub random: Random,
    faults: Faults,
    mode: Mode,
    /// Refresh tokens that were imported, and whose they are.
    imports: Vec<(String, RowKey)>,
}

impl Schedule {
    pub fn new(seed: u64, weather: Weather, keys: &Arc<Keyring>, mutation: Option<Mutation>, loud: bool) -> Self {
        let mut random = Random::new(seed);
        let faults = match weather {
            Weather::Bearable => Faults::bearable(&mut random),
            Weather::All => Faults::all(&mut random),
        };
        let leeway = *random.pick(&[0, 0, 10, 60]);
        let life = random.millis(60_000..400_000);
        let tenant = Tenant::new(random.chance(800), Duration::from_secs(leeway), life);
        let world = World::new(Random::new(random.number()), faults.clone(), tenant, Arc::clone(keys), mutation);
        world.lock().loud = loud;
        world.lock().tell(format_args!("seed {seed}, leeway {leeway} s, life {life:?}, {faults:?}"));
        let mode = *random.pick(&[Mode::Mint, Mode::Keep, Mode::Keep, Mode::KeepWithKeeper]);
        let processes = 2 + usize::try_from(random.below(2)).expect("small");
        Self::of(world, processes, mode, random, faults)
    }

    /// So many processes in this world.
    pub fn of(world: World, processes: ProcessId, mode: Mode, random: Random, faults: Faults) -> Self {
        let processes = (0..processes).map(|id| Process::new(&world, id, mode)).collect();
        Self { world, processes, random, faults, mode, imports: Vec::new() }
    }

    pub fn run(mut self) -> Story {
        self.log_in(0);
        while self.now() < STORMY && self.world.lock().check.violations.is_empty() {
            let until = self.now() + self.pause();
            self.run_until(until);
            self.something_happens();
        }
        self.end();
        let mut world = self.world.lock();
        let fingerprint = world.random.number();
        let check = &world.check;
        let (exchanges, hand_outs) = (check.exchanges, check.hand_outs);
        Story { violations: check.violations.clone(), exchanges, hand_outs, fingerprint }
    }

    fn pause(&mut self) -> Duration {
        let longest = *self.random.pick(&[200, 5_000, 60_000]);
        self.random.millis(0..longest)
    }

    fn something_happens(&mut self) {
        match self.random.below(20) {
            0 => {
                let user = usize::try_from(self.random.below(2)).expect("small");
                self.log_in(user);
            }
            1..3 => self.any_process().hang_up(),
            3 if self.random.chance(100 * self.faults.store_away) => {
                let away = self.random.millis(100..90_000);
                let mut world = self.world.lock();
                world.rows.away_until = world.now + away;
                world.tell(format_args!("the store is away for {away:?}"));
            }
            4 if self.random.chance(100 * self.faults.store_loses) => self.world.lock().lose(&key_of(0)),
            5 if self.random.chance(50) => self.tenant_ends_a_grant(),
            6 => self.button(),
            7 if self.random.chance(300) => self.api_refuses(),
            8 if self.random.chance(200) => self.somebody_ends_it(),
            9 if self.mode != Mode::Mint && self.random.chance(300) => self.import(),
            11 if self.random.chance(100 * self.faults.store_loses_lease) => self.world.lock().lose_lease(&key_of(0)),
            12 if self.random.chance(5 * self.faults.wall_steps) => self.step_a_wall_clock(),
            10 if self.mode == Mode::Mint && self.random.chance(200) => self.log_out(),
            _ => self.callers(),
        }
    }

    /// A wall clock jumps, or is put right.
    fn step_a_wall_clock(&mut self) {
        let seconds = *self.random.pick(&[1, 30, 3_600, 86_400, 400 * 86_400]);
        let by = self.random.millis(seconds * 500..seconds * 1_000 + 1);
        let by = time::Duration::try_from(by).expect("it is short");
        let choice = self.random.below(3);
        let process = self.any_process();
        match choice {
            0 => process.correct_wall(),
            1 => process.step_wall(by),
            _ => process.step_wall(-by),
        }
    }

    /// A burst of callers, at one process or at all of them.
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

    /// The button, pressed in several processes under the same set.
    fn button(&mut self) {
        let key = self.any_key();
        let Some((shown, _)) = self.world.lock().current(&key) else { return };
        for index in 0..self.processes.len() {
            self.processes[index].press(&key, shown.clone());
        }
        self.poll();
    }

    fn api_refuses(&mut self) {
        let key = self.any_key();
        let Some((_, token)) = self.world.lock().current(&key) else { return };
        for index in 0..self.processes.len() {
            self.processes[index].refuse(&key, token.clone());
        }
        self.poll();
    }

    fn somebody_ends_it(&mut self) {
        let key = self.any_key();
        let shown = self.world.lock().current(&key).map(|(shown, _)| shown).filter(|_| self.random.chance(500));
        let ending = *self.random.pick(&[Ending::Revoke, Ending::Revoke, Ending::Forget]);
        self.any_process().end(&key, shown, ending);
        self.poll();
    }

    /// A session ends, and its record with it.
    fn log_out(&mut self) {
        let key = self.any_key();
        let mut world = self.world.lock();
        world.tell(format_args!("{key:?} logs out"));
        world.rows.now.remove(&key);
    }

    /// A token from the Glitch days, or one of them again, in one process or two.
    fn import(&mut self) {
        if self.imports.is_empty() || self.random.chance(400) {
            let mut world = self.world.lock();
            let now = world.now;
            let pair = world.tenant.log_in(now);
            let owner = key_of(world.tenant.families.len() - 1);
            self.imports.extend(pair.refresh.map(|token| (token, owner)));
        }
        let (token, owner) = self.random.pick(&self.imports).clone();
        for _ in 0..=self.random.below(2) {
            let replace = *self.random.pick(&[Replace::Live, Replace::OnlyDead]);
            self.any_process().import(RefreshToken::new(token.clone()), &owner, replace);
        }
        self.poll();
    }

    fn log_in(&mut self, user: Family) {
        let (pair, family) = self.approve(user);
        let refresh = pair.refresh.filter(|_| !self.random.chance(50));
        self.store_login(Pair { refresh, ..pair }, family);
    }

    /// The user logs in at the tenant. The two users log in by turns, so the other one may do so too.
    pub fn approve(&mut self, user: Family) -> (Pair, Family) {
        let mut world = self.world.lock();
        let now = world.now;
        let mut pair = world.tenant.log_in(now);
        while (world.tenant.families.len() - 1) % 2 != user {
            pair = world.tenant.log_in(now);
        }
        (pair, world.tenant.families.len() - 1)
    }

    /// Any process stores what came of a login.
    pub fn store_login(&mut self, Pair { access, refresh }: Pair, family: Family) {
        let (now, life, keys) = {
            let world = self.world.lock();
            (world.wall(), world.tenant.life, Arc::clone(&world.keys))
        };
        let tokens = TokenSet::dated(AccessToken::new(access), refresh.map(RefreshToken::new), None, Some(life), now);
        let mut record = Record::minted(&keys, tokens, Identity::default(), issuer());
        record.connection_id = ConnectionId::from(format!("connection-{family}"));
        self.any_process().log_in(&key_of(family), record);
        self.poll();
    }

    fn tenant_ends_a_grant(&mut self) {
        let mut world = self.world.lock();
        let grants = world.tenant.families.len() as u64;
        let family = usize::try_from(world.random.below(grants)).expect("small");
        world.tenant.families[family].ended = true;
        world.tell(format_args!("the tenant ends grant {family}"));
    }

    /// All faults stop; time goes on; everybody asks once more.
    fn end(&mut self) {
        {
            let mut world = self.world.lock();
            world.tell(format_args!("all faults stop"));
            world.faults = Faults::default();
            world.rows.away_until = Duration::ZERO;
            for health in world.health.values_mut() {
                health.frozen_until = Duration::ZERO;
                health.suspended_until = Duration::ZERO;
                health.cut_off_until = Duration::ZERO;
                health.crash_now = false;
            }
        }
        self.processes.iter_mut().for_each(Process::correct_wall);
        self.poll();
        let until = self.now() + CALM + self.world.lock().tenant.life;
        self.run_until(until);
        let until = self.world.lock().latest_retry().max(until) + Duration::from_secs(2);
        self.run_until(until);
        for key in [key_of(0), key_of(1)] {
            // In the order of their numbers: what one does must be good enough for the next.
            for index in 0..self.processes.len() {
                self.processes[index].ask_at_the_end(&key);
            }
            self.poll();
            let until = self.now() + Duration::from_secs(60);
            self.run_until(until);
        }
        if self.processes.iter().any(|process| !process.is_idle()) {
            self.world.lock().check.fail("(d) somebody was never answered".to_owned());
        }
    }

    pub fn run_until(&mut self, until: Duration) {
        while self.world.lock().check.violations.is_empty() {
            let now = self.now();
            let letter = self.world.next_letter();
            let sleepers = self.processes.iter().filter_map(|process| Some(now + process.next_sleeper()?));
            let thaws = self.thaws(now);
            let next = letter.into_iter().chain(sleepers).chain(thaws).min().unwrap_or(until).clamp(now, until);
            for process in &mut self.processes {
                process.advance(next.saturating_sub(now));
            }
            self.world.lock().now = next;
            self.world.deliver();
            self.poll();
            if next >= until {
                return;
            }
        }
    }

    fn thaws(&self, now: Duration) -> Vec<Duration> {
        let world = self.world.lock();
        world.health.values().map(Health::stands_still_until).filter(|thaw| *thaw > now).collect()
    }

    /// Lets everybody run who has a reason to, and does not stand still.
    pub fn poll(&mut self) {
        let now = self.now();
        let touched = std::mem::take(&mut self.world.lock().touched);
        for process in &mut self.processes {
            process.stir(touched.contains(&process.id));
            let (crash_now, still_until) = {
                let mut world = self.world.lock();
                let health = world.health(process.id);
                (health.crash_now, health.stands_still_until())
            };
            if crash_now {
                let excused = self.world.lock().mutation != Some(Mutation::ForgottenSet);
                process.crash(excused);
            }
            if still_until <= now {
                process.poll();
            }
        }
    }

    pub fn now(&self) -> Duration {
        self.world.lock().now
    }

    pub fn any_process(&mut self) -> &mut Process {
        let index = self.random.below(self.processes.len() as u64);
        &mut self.processes[usize::try_from(index).expect("small")]
    }

    fn any_key(&mut self) -> RowKey {
        key_of(usize::try_from(self.random.below(2)).expect("small"))
    }
}
