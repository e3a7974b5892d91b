//! What may go wrong in a schedule, and what is put in wrongly by a mutation.

use super::random::Random;

/// How often, of a thousand, each thing happens in a schedule.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// A step of the store is refused, though it may be done, or be done late.
    pub store_fails: u64,
    /// The store is away for everybody, for up to a minute and a half.
    pub store_away: u64,
    /// One process is cut off from the store for up to a minute and a half.
    pub cut_off: u64,
    /// The store goes back to an earlier row, or to none.
    pub store_loses: u64,
    /// The provider is slow, but answers in time.
    pub slow: u64,
    /// The provider says 429 or 5xx without acting, or cannot be reached.
    pub busy: u64,
    /// It acts, and its answer is lost.
    pub reply_lost: u64,
    /// A process is killed at a step, and started again.
    pub crash: u64,
    /// A process stands still from a step on, for up to a minute and a half.
    pub freeze: u64,
    /// The machine of a process is suspended from a step on, for up to an hour: its boot time goes on, and its timers
    /// do not.
    pub suspend: u64,
    /// Somebody sets the wall clock of a process, forward or back, by a second or by 400 days. This must not cost a
    /// token, ever.
    pub wall_steps: u64,
    /// The store loses lease and attempt of a record, and nothing else.
    pub store_loses_lease: u64,
    /// The provider acts, and says 500.
    pub acts_and_denies: u64,
}

impl Faults {
    /// Nothing that a program could not bear: here not one spent token may be sent.
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

    /// Those, and what no program can bear always.
    pub fn all(random: &mut Random) -> Self {
        Self {
            cut_off: *random.pick(&[0, 0, 1]),
            store_loses: *random.pick(&[0, 0, 0, 3]),
            reply_lost: *random.pick(&[0, 0, 150]),
            crash: *random.pick(&[0, 0, 1, 3]),
            freeze: *random.pick(&[0, 0, 1, 3]),
            suspend: *random.pick(&[0, 0, 1, 3]),
            store_loses_lease: *random.pick(&[0, 0, 0, 3]),
            acts_and_denies: *random.pick(&[0, 0, 50]),
            ..Self::bearable(random)
        }
    }
}

/// A fault of another tool (facts.md), put in on the far side of a seam.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// The lock's lease is shorter than the exchange it guards.
    ShortLease,
    /// A lease that is over by the wall clock of the process that asks is taken, whether an exchange is under way or not.
    WallClockLease,
    /// What is left of a lease is measured by a clock that stands still while the machine is suspended.
    MonotonicBudget,
    /// Stored times are believed, however far ahead they lie.
    UnboundedTimes,
    /// The refresh runs inside its caller: a hang-up kills it.
    HangUpKills,
    /// A set that could not be saved is forgotten.
    ForgottenSet,
    /// Whatever the provider refuses counts as a dead session.
    EveryRefusalIsDeath,
    /// A reply without a refresh token overwrites the kept one with nothing.
    MissingTokenOverwrites,
    /// The record is not read again under the lease, and what was read before is believed.
    NoSecondReading,
    /// A save does not compare what it replaces.
    UnfencedSave,
    /// Nobody writes ahead, so an exchange of unknown outcome looks like none.
    NoWriteAhead,
}
