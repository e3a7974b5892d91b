//! Measures two servers in turn, and prints the results.

use super::{
    contender::{Contender, Round},
    support::process::{Cpu, Process},
    wrk::{Sample, Wrk},
};

/// How the two are measured.
pub struct Plan<'a> {
    pub wrk: &'a Wrk,
    pub rounds: usize,
    pub seconds: u64,
}

/// Measures both in turn, round by round, and prints how `ours` compares with `theirs`. `upstream` is the API behind
/// both.
pub fn compare(plan: &Plan<'_>, ours: &mut Contender<'_>, theirs: &mut Contender<'_>, upstream: Option<&Process>) {
    for request in [&ours.request, &theirs.request] {
        // Warms up what only the first requests pay for: connections, caches, memory.
        plan.wrk.ask(1, request);
    }
    for round in 0..plan.rounds {
        if round % 2 == 0 {
            measure(plan, ours, upstream);
            measure(plan, theirs, upstream);
        } else {
            measure(plan, theirs, upstream);
            measure(plan, ours, upstream);
        }
    }
    tell(ours, upstream.is_some());
    tell(theirs, upstream.is_some());
    println!("  ratio of requests a second      {:8.2}", ours.compared_with(theirs, |round| round.sample.per_second));
    println!("  ratio of 99th percentiles       {:8.2}", ours.compared_with(theirs, |round| round.sample.p99));
    println!("  ratio of CPU a request          {:8.2}", ours.compared_with(theirs, |round| round.cpu.total()));
}

/// Measures a server that is compared with no other, and prints the results.
pub fn alone(plan: &Plan<'_>, contender: &mut Contender<'_>) {
    plan.wrk.ask(1, &contender.request);
    for _ in 0..plan.rounds {
        measure(plan, contender, None);
    }
    tell(contender, false);
}

fn measure(plan: &Plan<'_>, contender: &mut Contender<'_>, upstream: Option<&Process>) {
    let cpu = || (contender.process.cpu(), upstream.map_or_else(Cpu::default, Process::cpu));
    let before = cpu();
    let sample = plan.wrk.ask(plan.seconds, &contender.request);
    let after = cpu();
    let a_hundred_thousand = |cpu: Cpu| cpu.per(count(&sample), 100_000.0);
    contender.rounds.push(Round {
        cpu: a_hundred_thousand(after.0 - before.0),
        upstream_cpu: a_hundred_thousand(after.1 - before.1),
        sample,
    });
}

fn tell(contender: &Contender<'_>, has_upstream: bool) {
    let name = contender.name;
    println!("  {name:14} requests a second {:8.0}", contender.median(|round| round.sample.per_second));
    let (p50, p99) = (contender.median(|round| round.sample.p50), contender.median(|round| round.sample.p99));
    println!("  {name:14} p50, p99          {p50:8.2} ms, {p99:.2} ms");
    println!("  {name:14} CPU a 100,000     {}", contender.median_cpu(|round| round.cpu));
    if has_upstream {
        println!("  {name:14} of the API itself {}", contender.median_cpu(|round| round.upstream_cpu));
    }
    println!("  {name:14} resident          {:8.2} MiB", contender.process.resident());
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53 requests")]
fn count(sample: &Sample) -> f64 {
    sample.requests as f64
}
