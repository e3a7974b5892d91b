//! A simulated year of four processes and two users, with a tenant that ends each login at some age. It checks which
//! events reach a receiver that fails at random, and whether programs get tokens. It prints its seed: `SEED=…` replays
//! it.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    ops::Range,
    time::Duration,
};

use time::OffsetDateTime;
use videoask_auth::{notify::Message, vault::MinLife};

use super::{
    check::key_of,
    fault::Faults,
    keys,
    process::{MONTH, Mode},
    provider::{Family, Tenant},
    random::Random,
    receiver::ReceivedEvent,
    schedule::Schedule,
    state::{EPOCH, Simulation},
};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// The longest time from the moment when an event is due until it is received. The end of a login is only noticed when
/// a program asks for a token, and the receiver may be away.
const SLACK: Duration = Duration::from_secs(36 * 60 * 60);
/// The user who logs in again within the window that `log-in-soon` leaves.
const PROMPT: Family = 0;
/// The user who logs in again only after `log-in-again`, if it is sent.
const LATE: Family = 1;

struct Year {
    schedule: Schedule,
    users: [User; 2],
    grant_life: Duration,
}

struct User {
    /// The logins that were stored: when, and which grant.
    logins: Vec<(Duration, Family)>,
    /// When the user logs in next.
    plan: Option<Duration>,
    /// The grant of a login that may not be stored yet.
    trying: Option<Family>,
    /// How many of all received events this user has looked at.
    read: usize,
}

impl Year {
    fn new(seed: u64, grant_life: Duration) -> Self {
        let mut random = Random::new(seed);
        // With rotation, a lost response would end a login, which is not what this test is about.
        let mut tenant = Tenant::new(false, Duration::ZERO, DAY);
        tenant.grant_life = grant_life;
        // Taking over from a killed process takes 30 s, with four store calls a second, of which none may fail.
        let faults = Faults { store_fails: 2, slow: 100, crash: 1, ..Faults::default() };
        let simulation = Simulation::new(Random::new(random.number()), faults.clone(), tenant, keys(), None);
        (simulation.lock().inbox.failures, simulation.lock().inbox.kills) = (300, 100);
        let users = [(); 2].map(|()| User { logins: Vec::new(), plan: Some(Duration::ZERO), trying: None, read: 0 });
        Self { schedule: Schedule::of(simulation, 4, Mode::KeepAndNotify, random, faults), users, grant_life }
    }

    fn run(mut self) -> Self {
        while self.schedule.now() < YEAR {
            let until = self.schedule.now() + self.schedule.random.millis(0..7_200_000);
            self.schedule.run_until(until);
            for user in [PROMPT, LATE] {
                self.act(user);
                self.ask(user);
            }
            if self.schedule.random.chance(5) {
                let away = self.schedule.random.millis(0..6 * 3_600_000);
                self.schedule.simulation.lock().inbox.away_until = until + away;
            }
        }
        self
    }

    fn violations(&self) -> Vec<String> {
        let mut violations = self.schedule.simulation.lock().check.violations.clone();
        violations.extend(self.duplicates());
        violations.extend([PROMPT, LATE].into_iter().flat_map(|user| self.events(user)));
        violations.extend(self.refusals());
        violations
    }

    /// A program asks any process for a token.
    fn ask(&mut self, user: Family) {
        if !self.users[user].logins.is_empty() {
            self.schedule.any_process().ask(&key_of(user), MinLife::BestEffort);
            self.schedule.poll();
        }
    }

    /// The user reads the new events, and logs in if it is time.
    fn act(&mut self, user: Family) {
        let now = self.schedule.now();
        self.note_login(user);
        let new = self.schedule.simulation.lock().inbox.received[self.users[user].read..].to_vec();
        self.users[user].read += new.len();
        for ReceivedEvent { message, .. } in new.iter().filter(|receipt| family_of(&receipt.message) % 2 == user) {
            let delay = match (message.event, user, message.log_in_before) {
                ("log-in-soon", PROMPT, Some(before)) => {
                    // The margin of 12 hours is needed because users act up to two hours apart and may have to try
                    // again.
                    let left = since_epoch(before).saturating_sub(now + 12 * HOUR);
                    self.schedule.random.millis(0..u64::try_from(left.as_millis()).expect("short").max(1))
                }
                ("log-in-again", ..) => self.schedule.random.millis(3_600_000..48 * 3_600_000),
                _ => continue,
            };
            self.users[user].plan.get_or_insert(now + delay);
        }
        if self.users[user].plan.is_some_and(|plan| plan <= now) {
            let (tokens, family) = self.schedule.approve(user);
            self.users[user].trying = Some(family);
            self.schedule.store_login(tokens, family);
        }
    }

    /// Notes a login that was stored. If its process was killed or the store failed, the user tries again.
    fn note_login(&mut self, user: Family) {
        let Some(family) = self.users[user].trying.take() else { return };
        let now = self.schedule.now();
        let current = self.schedule.simulation.lock().current(&key_of(user)).map(|(version, _)| version.connection_id);
        if current.as_deref() == Some(&*format!("connection-{family}")) {
            self.users[user].logins.push((now, family));
            self.users[user].plan = None;
        }
    }

    /// Finds events that were received twice although the process that sent them was not killed in between.
    fn duplicates(&self) -> Vec<String> {
        let simulation = self.schedule.simulation.lock();
        let mut by_id = BTreeMap::<&str, Vec<&ReceivedEvent>>::new();
        for receipt in &simulation.inbox.received {
            by_id.entry(&receipt.message.id).or_default().push(receipt);
        }
        let unexcused = |receipts: &&Vec<&ReceivedEvent>| {
            let mut pairs = receipts.iter().zip(&receipts[1..]);
            pairs.any(|(first, next)| !simulation.check.was_killed(first.process, first.incarnation, next.at))
        };
        by_id.values().filter(unexcused).map(|receipts| format!("without a crash: {receipts:#?}")).collect()
    }

    /// Checks that this user's events are exactly those that the logins lead to, each in time. Returns the violations.
    fn events(&self, user: Family) -> Vec<String> {
        let mut violations = Vec::new();
        let (mut previous, mut was_dead) = (None, false);
        for (index, (stored, family)) in self.users[user].logins.iter().enumerate() {
            let until = self.users[user].logins.get(index + 1).map_or(YEAR, |(next, _)| *next);
            let login = Login {
                receipts: self.receipts(user, previous..Some(*family)),
                since: self.schedule.simulation.lock().tenant.families[*family].since,
                stored: *stored,
                until,
                grant_life: self.grant_life,
                // The app learns from the first login that ends earlier than configured.
                expected_life: if index == 0 { MONTH } else { MONTH.min(self.grant_life) },
            };
            violations.extend(login.violations(was_dead).map(|what| format!("user {user}, login {index}: {what}")));
            was_dead = login.death().is_some();
            previous = Some(*family);
        }
        violations
    }

    /// The events of this user's logins after the start of this range of grants, up to and including its end. Each
    /// event is listed once.
    fn receipts(&self, user: Family, families: Range<Option<Family>>) -> Vec<ReceivedEvent> {
        let simulation = self.schedule.simulation.lock();
        let mut receipts = Vec::<ReceivedEvent>::new();
        for receipt in &simulation.inbox.received {
            let family = family_of(&receipt.message);
            let is_of_these = family % 2 == user && Some(family) > families.start && Some(family) <= families.end;
            if is_of_these && receipts.iter().all(|earlier| earlier.message.id != receipt.message.id) {
                receipts.push(receipt.clone());
            }
        }
        receipts
    }

    /// Once the lifetime of a login is known, no program of the prompt user is ever told that a login is needed.
    fn refusals(&self) -> Vec<String> {
        let known = match self.users[PROMPT].logins.get(1) {
            Some((second, _)) if self.grant_life < MONTH => *second,
            Some(_) | None => Duration::ZERO,
        };
        let simulation = self.schedule.simulation.lock();
        let refused = simulation.check.login_needed.iter().filter(|(key, at)| *key == key_of(PROMPT) && *at > known);
        refused.map(|(_, at)| format!("a program was without a token at {at:?}")).collect()
    }
}

/// One login, and what was received about it.
struct Login {
    receipts: Vec<ReceivedEvent>,
    since: Duration,
    stored: Duration,
    until: Duration,
    grant_life: Duration,
    expected_life: Duration,
}

impl Login {
    fn death(&self) -> Option<Duration> {
        Some(self.since.saturating_add(self.grant_life)).filter(|death| *death < self.until)
    }

    /// Expects `recovered` if the previous login had died, then `log-in-soon` at 80 % and 95 % of the expected life,
    /// then `log-in-again` if the login dies before the next one.
    fn violations(&self, was_dead: bool) -> impl Iterator<Item = String> {
        let recovered = was_dead.then_some(("recovered", self.stored.saturating_sub(2 * HOUR)));
        let soon = [0.8, 0.95].map(|part| ("log-in-soon", self.since + self.expected_life.mul_f64(part)));
        let again = self.death().map(|death| ("log-in-again", death));
        let mut receipts = self.receipts.iter().peekable();
        let mut violations = Vec::new();
        for (event, due) in recovered.into_iter().chain(soon).chain(again) {
            let ends = if event == "log-in-again" { self.until } else { self.until.min(self.death().unwrap_or(YEAR)) };
            match receipts.next_if(|receipt| receipt.message.event == event) {
                Some(receipt) if self.is_in_time(receipt, due) => {}
                None if due + SLACK > ends => {}
                other => violations.push(format!("{event} is due at {due:?}, and this came: {other:?}")),
            }
        }
        violations.extend(receipts.map(|receipt| format!("not expected: {receipt:?}")));
        violations.into_iter()
    }

    /// A learned lifetime may be a day too short, so the warnings may be a day early.
    fn is_in_time(&self, receipt: &ReceivedEvent, due: Duration) -> bool {
        let early =
            if receipt.message.event == "log-in-soon" && self.grant_life <= MONTH { DAY } else { Duration::ZERO };
        (due.saturating_sub(early)..due + SLACK).contains(&receipt.at)
    }
}

fn family_of(message: &Message) -> Family {
    let (connection, _) = message.id.rsplit_once('-').expect("an id ends with a number");
    connection.trim_start_matches("connection-").parse().expect("connections here have numbers")
}

fn since_epoch(at: OffsetDateTime) -> Duration {
    (at - EPOCH).try_into().expect("the year begins at the epoch")
}

/// The year that runs without `SEED`: always the same one, as the schedules of the other simulations are.
const SEED: u64 = 5;

#[expect(clippy::disallowed_methods, reason = "the seed comes from the person who replays it")]
fn seed() -> u64 {
    let seed = env::var("SEED").map_or(SEED, |seed| seed.parse().expect("SEED is a number"));
    println!("replay: SEED={seed}");
    seed
}

fn all_is_told_in_a_year(grant_life: Duration) {
    let year = Year::new(seed(), grant_life).run();
    let (violations, simulation) = (year.violations(), year.schedule.simulation.lock());
    let ids: BTreeSet<&str> = simulation.inbox.received.iter().map(|receipt| &*receipt.message.id).collect();
    println!(
        "{} events, {} of them received again after a crash, {} tokens handed out",
        ids.len(),
        simulation.inbox.received.len() - ids.len(),
        simulation.check.hand_outs
    );
    assert!(violations.is_empty(), "{violations:#?}");
}

#[test]
fn logins_that_last_30_days() {
    all_is_told_in_a_year(MONTH);
}

#[test]
fn logins_that_last_12_days_while_30_are_expected() {
    all_is_told_in_a_year(12 * DAY);
}

#[test]
fn logins_that_never_end() {
    all_is_told_in_a_year(Duration::MAX);
}
