//! Time, chance and everything on its way: the wire between processes, store and provider.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use time::OffsetDateTime;
use videoask_auth::{keys::Keyring, store::RowKey};

use super::{
    check::Check,
    fault::{Faults, Mutation},
    provider::Tenant,
    random::Random,
    receiver::Inbox,
    store::Rows,
};

/// The number of a process; it stays when the process is killed and started again.
pub type ProcessId = usize;

/// The one world of a schedule.
#[derive(Clone)]
pub struct World(Arc<Mutex<Inner>>);

pub struct Inner {
    pub now: Duration,
    pub random: Random,
    pub faults: Faults,
    pub mutation: Option<Mutation>,
    pub keys: Arc<Keyring>,
    pub rows: Rows,
    pub tenant: Tenant,
    pub inbox: Inbox,
    pub check: Check,
    pub health: HashMap<ProcessId, Health>,
    /// Which processes something arrived at.
    pub touched: Vec<ProcessId>,
    pub loud: bool,
    wire: BinaryHeap<Reverse<Letter>>,
    letters: u64,
}

/// What the world does to a process.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Killed and started so many times.
    pub life: u32,
    pub crash_now: bool,
    pub frozen_until: Duration,
    /// Its machine is suspended: not even its timers go on.
    pub suspended_until: Duration,
    pub cut_off_until: Duration,
    /// How far its wall clock is ahead of the true time.
    pub wall_ahead: time::Duration,
    /// When a step of the store was last anything but prompt and true for it.
    pub store_trouble: Duration,
    /// Failed steps in a row, which chance does not let grow.
    pub failed: u32,
    /// When it last asked for the lease of a record.
    pub asked: HashMap<RowKey, Duration>,
}

impl Health {
    /// Until when it does nothing.
    pub fn stands_still_until(&self) -> Duration {
        self.frozen_until.max(self.suspended_until)
    }
}

struct Letter {
    at: Duration,
    number: u64,
    deliver: Box<dyn FnOnce(&mut Inner) + Send>,
}

impl PartialEq for Letter {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}
impl Eq for Letter {}
impl PartialOrd for Letter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Letter {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// The wall-clock time at which every schedule starts.
pub const EPOCH: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

impl World {
    pub fn new(random: Random, faults: Faults, tenant: Tenant, keys: Arc<Keyring>, mutation: Option<Mutation>) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            now: Duration::ZERO,
            random,
            faults,
            mutation,
            keys,
            rows: Rows::default(),
            tenant,
            inbox: Inbox::default(),
            check: Check::default(),
            health: HashMap::new(),
            touched: Vec::new(),
            loud: false,
            wire: BinaryHeap::new(),
            letters: 0,
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no schedule panics inside the world")
    }

    /// When the next letter arrives.
    pub fn next_letter(&self) -> Option<Duration> {
        self.lock().wire.peek().map(|Reverse(letter)| letter.at)
    }

    /// Delivers what is due.
    pub fn deliver(&self) {
        let mut world = self.lock();
        while world.wire.peek().is_some_and(|Reverse(letter)| letter.at <= world.now) {
            let Reverse(letter) = world.wire.pop().expect("it was just seen");
            (letter.deliver)(&mut world);
        }
    }
}

impl Inner {
    /// Sends something that happens later, whatever becomes of who sent it.
    pub fn send(&mut self, after: Duration, deliver: impl FnOnce(&mut Inner) + Send + 'static) {
        self.letters += 1;
        let letter = Letter { at: self.now + after, number: self.letters, deliver: Box::new(deliver) };
        self.wire.push(Reverse(letter));
    }

    /// The wall-clock time of store and provider; those of processes differ a little.
    pub fn wall(&self) -> OffsetDateTime {
        EPOCH + self.now
    }

    pub fn health(&mut self, process: ProcessId) -> &mut Health {
        self.health.entry(process).or_default()
    }

    /// Whether something happens now that happens so often.
    pub fn happens(&mut self, rate: impl Fn(&Faults) -> u64) -> bool {
        self.random.chance(rate(&self.faults))
    }

    /// A moment at which a fault may hit a process: around each of its awaits.
    pub fn hit(&mut self, process: ProcessId) {
        if self.happens(|faults| faults.crash) {
            self.tell(format_args!("p{process} is hit by a crash"));
            self.health(process).crash_now = true;
        }
        if self.happens(|faults| faults.freeze) {
            let until = self.now + self.random.millis(100..90_000);
            self.tell(format_args!("p{process} stands still until {until:?}"));
            self.health(process).frozen_until = until;
            self.check.stood_still(process, self.now, until);
        }
        if self.happens(|faults| faults.suspend) {
            let until = self.now + *self.random.pick(&[1, 60, 4_000]) * self.random.millis(100..1_000);
            self.tell(format_args!("the machine of p{process} is suspended until {until:?}"));
            self.health(process).suspended_until = until;
            self.check.stood_still(process, self.now, until);
        }
        if self.happens(|faults| faults.cut_off) {
            let until = self.now + self.random.millis(100..90_000);
            self.tell(format_args!("p{process} is cut off from the store until {until:?}"));
            self.health(process).cut_off_until = until;
            self.check.stood_still(process, self.now, until);
        }
    }

    pub fn tell(&self, what: std::fmt::Arguments<'_>) {
        if self.loud {
            println!("{:>9.3} {what}", self.now.as_secs_f64());
        }
    }
}
