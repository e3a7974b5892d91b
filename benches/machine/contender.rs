//! A server that is measured.

use super::{
    support::process::{Cpu, Process},
    wrk::{Request, Sample},
};

/// A server, and what was measured for it.
pub struct Contender<'a> {
    pub name: &'static str,
    pub process: &'a Process,
    pub request: Request,
    pub rounds: Vec<Round>,
}

/// One run of `wrk`.
pub struct Round {
    pub sample: Sample,
    /// The server's CPU time for each 100,000 requests.
    pub cpu: Cpu,
    /// That of the API behind it.
    pub upstream_cpu: Cpu,
}

impl<'a> Contender<'a> {
    pub fn new(name: &'static str, process: &'a Process, request: Request) -> Self {
        Self { name, process, request, rounds: Vec::new() }
    }

    /// How many requests it answered.
    pub fn requests(&self) -> u64 {
        self.rounds.iter().map(|round| round.sample.requests).sum()
    }

    /// The median of the rounds.
    pub fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of))
    }

    /// The medians of the rounds, of user and system time.
    pub fn median_cpu(&self, of: impl Fn(&Round) -> Cpu) -> Cpu {
        Cpu { user: self.median(|round| of(round).user), system: self.median(|round| of(round).system) }
    }

    /// The median of the ratios to the other server in each round. The two samples of a round were measured one right
    /// after the other, so other load on the machine affected both about equally.
    pub fn compared_with(&self, other: &Self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().zip(&other.rounds).map(|(ours, theirs)| of(ours) / of(theirs)))
    }
}

fn median(all: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = all.collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
