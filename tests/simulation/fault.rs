//! The faults that may happen in a schedule, and the bugs that a test injects.

use super::random::Random;

/// How often, of a thousand, each thing happens in a schedule.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// A call of the store fails, although its step may be done, or be done late.
    pub store_fails: u64,
    /// The store is down for up to 90 s.
    pub store_away: u64,
    /// One process cannot reach the store for up to 90 s.
    pub cut_off: u64,
    /// The store goes back to an earlier row, or to none.
    pub store_loses: u64,
    /// The provider is slow, but responds in time.
    pub slow: u64,
    /// The provider returns 429 or 5xx without processing the request, or cannot be reached.
    pub busy: u64,
    /// It processes the request, and its response is lost.
    pub reply_lost: u64,
    /// A process is killed, and started again.
    pub crash: u64,
    /// A process is stopped for up to 90 s.
    pub freeze: u64,
    /// The machine of a process is suspended for up to an hour: its boot-time clock runs on, its timers do not.
    pub suspend: u64,
    /// The wall clock of a process is set forward or back, by a second or by 400 days. This never explains a spent token
    /// that is sent.
    pub wall_steps: u64,
    /// The store loses only the lease and the attempt of a record.
    pub store_loses_lease: u64,
    /// The provider processes the request, and returns 500.
    pub acts_and_fails: u64,
}

impl Faults {
    /// Faults under which no spent token may be sent.
    pub fn bearable(random: &mut Random) -> Self {
        Self {
            store_fails: *random.pick(&[0, 0, 20, 150]),
            store_away: *random.pick(&[0, 0, 2]),
            slow: *random.pick(&[0, 100, 600]),
            busy: *random.pick(&[0, 0, 200]),
            wall_steps: *random.pick(&[0, 30, 200]),
            ..Self::default()
        }
    }

    /// The bearable ones, and those under which a correct program may have to send a spent token.
    pub fn all(random: &mut Random) -> Self {
        Self {
            cut_off: *random.pick(&[0, 0, 1]),
            store_loses: *random.pick(&[0, 0, 0, 3]),
            reply_lost: *random.pick(&[0, 0, 150]),
            crash: *random.pick(&[0, 0, 1, 3]),
            freeze: *random.pick(&[0, 0, 1, 3]),
            suspend: *random.pick(&[0, 0, 1, 3]),
            store_loses_lease: *random.pick(&[0, 0, 0, 3]),
            acts_and_fails: *random.pick(&[0, 0, 50]),
            ..Self::bearable(random)
        }
    }
}

/// A bug, mostly one that another tool has. The simulation injects it outside the vault, whose code stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// The lease is shorter than the exchange that it protects.
    ShortLease,
    /// A lease is taken when it has expired by the wall clock of the process that asks, even during an exchange.
    WallClockLease,
    /// The time left of a lease is measured by a clock that stops while the machine is suspended.
    MonotonicBudget,
    /// Stored times are trusted, however far ahead they lie.
    UnboundedTimes,
    /// The refresh runs in its caller's task: a disconnect cancels it.
    DisconnectCancels,
    /// A token set that could not be saved is dropped.
    ForgottenSet,
    /// Every refusal of the provider counts as `invalid_grant`.
    EveryRefusalIsDead,
    /// A response without a refresh token overwrites the stored one.
    MissingTokenOverwrites,
    /// The record is not read again under the lease.
    NoSecondReading,
    /// A save does not compare the row that it replaces.
    UnfencedSave,
    /// "Attempt started" is not written, so an exchange with an unknown outcome leaves no trace.
    NoWriteAhead,
}
