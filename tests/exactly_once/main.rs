//! "Refresh exactly once", proven with real processes on real stores, before a stand-in on real time.
//!
//! Most of what happens here is waiting, for leases and watches to run out. So each test plays its scenarios at once.

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
