//! What the processes of one simulation share: time, random numbers, faults, the messages in flight between processes,
//! store and provider, and both their data.

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
    rows::Rows,
};

/// The number of a process. It stays the same when the process is killed and started again.
pub type ProcessId = usize;

/// A handle to the state of one simulation.
#[derive(Clone)]
pub struct Simulation(Arc<Mutex<SimulationState>>);

pub struct SimulationState {
    pub now: Duration,
    pub random: Random,
    pub faults: Faults,
    pub mutation: Option<Mutation>,
    pub keys: Arc<Keyring>,
    pub rows: Rows,
    pub tenant: Tenant,
    pub inbox: Inbox,
    pub check: Check,
    pub status: HashMap<ProcessId, ProcessStatus>,
    /// The processes that received something since they were last polled.
    pub woken: Vec<ProcessId>,
    pub verbose: bool,
    deliveries: BinaryHeap<Reverse<Delivery>>,
    delivery_count: u64,
}

/// What faults do to one process, and what the checks need to know of it.
#[derive(Clone, Debug, Default)]
pub struct ProcessStatus {
    /// How often it was killed and started again.
    pub incarnation: u32,
    pub crash_now: bool,
    pub frozen_until: Duration,
    /// Its machine is suspended: its timers are stopped too.
    pub suspended_until: Duration,
    pub cut_off_until: Duration,
    /// How far its wall clock is ahead of the true time.
    pub wall_ahead: time::Duration,
    /// When a call of the store last failed for it, or came late.
    pub store_trouble: Duration,
    /// Failed calls in a row. Random faults let at most two fail.
    pub failed: u32,
    /// When it last asked for the lease of a record.
    pub asked: HashMap<RowKey, Duration>,
}

impl ProcessStatus {
    /// Until when it is stopped or suspended.
    pub fn inactive_until(&self) -> Duration {
        self.frozen_until.max(self.suspended_until)
    }
}

struct Delivery {
    at: Duration,
    number: u64,
    deliver: Box<dyn FnOnce(&mut SimulationState) + Send>,
}

impl PartialEq for Delivery {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}
impl Eq for Delivery {}
impl PartialOrd for Delivery {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Delivery {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// The wall-clock time at which every schedule starts.
pub const EPOCH: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

impl Simulation {
    pub fn new(random: Random, faults: Faults, tenant: Tenant, keys: Arc<Keyring>, mutation: Option<Mutation>) -> Self {
        Self(Arc::new(Mutex::new(SimulationState {
            now: Duration::ZERO,
            random,
            faults,
            mutation,
            keys,
            rows: Rows::default(),
            tenant,
            inbox: Inbox::default(),
            check: Check::default(),
            status: HashMap::new(),
            woken: Vec::new(),
            verbose: false,
            deliveries: BinaryHeap::new(),
            delivery_count: 0,
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, SimulationState> {
        self.0.lock().expect("nothing panics while it is locked")
    }

    /// When the next message arrives.
    pub fn next_delivery(&self) -> Option<Duration> {
        self.lock().deliveries.peek().map(|Reverse(delivery)| delivery.at)
    }

    /// Delivers the messages that are due.
    pub fn deliver(&self) {
        let mut simulation = self.lock();
        while simulation.deliveries.peek().is_some_and(|Reverse(delivery)| delivery.at <= simulation.now) {
            let Reverse(delivery) = simulation.deliveries.pop().expect("it was just seen");
            (delivery.deliver)(&mut simulation);
        }
    }
}

impl SimulationState {
    /// Schedules a delivery, which happens even if its sender no longer runs.
    pub fn send(&mut self, after: Duration, deliver: impl FnOnce(&mut SimulationState) + Send + 'static) {
        self.delivery_count += 1;
        let delivery = Delivery { at: self.now + after, number: self.delivery_count, deliver: Box::new(deliver) };
        self.deliveries.push(Reverse(delivery));
    }

    /// The wall-clock time of store and provider. Those of the processes differ a little.
    pub fn wall(&self) -> OffsetDateTime {
        EPOCH + self.now
    }

    pub fn status(&mut self, process: ProcessId) -> &mut ProcessStatus {
        self.status.entry(process).or_default()
    }

    /// Whether a fault of this rate happens now.
    pub fn happens(&mut self, rate: impl Fn(&Faults) -> u64) -> bool {
        self.random.chance(rate(&self.faults))
    }

    /// A fault may hit the process here. It is called before and after each of its calls.
    pub fn inject_process_faults(&mut self, process: ProcessId) {
        if self.happens(|faults| faults.crash) {
            self.log(format_args!("p{process} crashes"));
            self.status(process).crash_now = true;
        }
        if self.happens(|faults| faults.freeze) {
            let until = self.now + self.random.millis(100..90_000);
            self.log(format_args!("p{process} is stopped until {until:?}"));
            self.status(process).frozen_until = until;
            self.check.inactive(process, self.now, until);
        }
        if self.happens(|faults| faults.suspend) {
            let until = self.now + *self.random.pick(&[1, 60, 4_000]) * self.random.millis(100..1_000);
            self.log(format_args!("the machine of p{process} is suspended until {until:?}"));
            self.status(process).suspended_until = until;
            self.check.inactive(process, self.now, until);
        }
        if self.happens(|faults| faults.cut_off) {
            let until = self.now + self.random.millis(100..90_000);
            self.log(format_args!("p{process} is cut off from the store until {until:?}"));
            self.status(process).cut_off_until = until;
            self.check.inactive(process, self.now, until);
        }
    }

    pub fn log(&self, what: std::fmt::Arguments<'_>) {
        if self.verbose {
            println!("{:>9.3} {what}", self.now.as_secs_f64());
        }
    }
}
