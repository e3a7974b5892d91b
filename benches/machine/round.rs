//! Measures two servers in turn, and prints the results.

use super::{
    contender::Contender,
    support::process::{Cpu, Process},
    wrk::Wrk,
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
    println!("  ratio of requests a second      {:8.2}", ours.compared_with(theirs, |sample| sample.per_second));
    println!("  ratio of 99th percentiles       {:8.2}", ours.compared_with(theirs, |sample| sample.p99));
    let a_request = |contender: &Contender<'_>| contender.cpu.total() / count(contender);
    println!("  ratio of CPU a request          {:8.2}", a_request(ours) / a_request(theirs));
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
    let before = (contender.process.cpu(), upstream.map(Process::cpu));
    contender.samples.push(plan.wrk.ask(plan.seconds, &contender.request));
    contender.cpu = contender.cpu + (contender.process.cpu() - before.0);
    if let (Some(upstream), Some(before)) = (upstream, before.1) {
        contender.upstream_cpu = contender.upstream_cpu + (upstream.cpu() - before);
    }
}

fn tell(contender: &Contender<'_>, has_upstream: bool) {
    let name = contender.name;
    println!("  {name:14} requests a second {:8.0}", contender.median(|sample| sample.per_second));
    let (p50, p99) = (contender.median(|sample| sample.p50), contender.median(|sample| sample.p99));
    println!("  {name:14} p50, p99          {p50:8.2} ms, {p99:.2} ms");
    let a_hundred_thousand = |cpu: Cpu| cpu.per(count(contender), 100_000.0);
    println!("  {name:14} CPU a 100,000     {}", a_hundred_thousand(contender.cpu));
    if has_upstream {
        println!("  {name:14} of the API itself {}", a_hundred_thousand(contender.upstream_cpu));
    }
    println!("  {name:14} resident          {:8.2} MiB", contender.process.resident());
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53 requests")]
fn count(contender: &Contender<'_>) -> f64 {
    contender.requests() as f64
}
