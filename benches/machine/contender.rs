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
    pub samples: Vec<Sample>,
    pub cpu: Cpu,
    /// The CPU time of the API behind it in the same time.
    pub upstream_cpu: Cpu,
}

impl<'a> Contender<'a> {
    pub fn new(name: &'static str, process: &'a Process, request: Request) -> Self {
        Self { name, process, request, samples: Vec::new(), cpu: Cpu::default(), upstream_cpu: Cpu::default() }
    }

    /// How many requests it answered.
    pub fn requests(&self) -> u64 {
        self.samples.iter().map(|sample| sample.requests).sum()
    }

    /// The median of the rounds.
    pub fn median(&self, of: fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(of))
    }

    /// The median of the ratios to the other server in each round. The two samples of a round were measured one right
    /// after the other, so other load on the machine affected both about equally.
    pub fn compared_with(&self, other: &Self, of: fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().zip(&other.samples).map(|(ours, theirs)| of(ours) / of(theirs)))
    }
}

fn median(all: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = all.collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
