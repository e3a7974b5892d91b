//! "Refresh exactly once", tested with real processes, real stores and a stand-in, in real time.
//!
//! Most of the time is spent waiting until leases and watches end, so each test runs its scenarios in parallel.

mod clocks;
mod cluster;
mod kills;
mod many_callers;
mod moved_clocks;
mod notifications;
mod outages;
mod person;
#[expect(dead_code, reason = "the simulation uses more of it")]
#[path = "../simulation/random.rs"]
mod random;
mod replicas;
mod scenarios;
mod signals;
#[expect(dead_code, unused_imports, reason = "the tests of single processes use more of it")]
#[path = "../process/support/mod.rs"]
mod support;
mod unusable;
mod wrong_clocks;
