//! A server that is measured.

use std::{ops::Deref, time::Duration};

use super::support::{
    browser::{Browser, Site},
    process::{Cpu, Process},
    stopwatch,
};

/// A server, and what was measured for it.
pub struct Contender<'a> {
    pub name: &'static str,
    process: &'a dyn Deref<Target = Process>,
    site: &'a Site,
    pub samples: Vec<Sample>,
}

/// What was measured for one server in one round.
pub struct Sample {
    /// CPU seconds of the server for 1,000 logins.
    pub cpu: f64,
    /// CPU seconds of the stand-in in the same time, for 1,000 logins.
    pub standin_cpu: f64,
    pub per_second: f64,
    /// The 50th percentile of the time of a login, in milliseconds.
    pub p50: f64,
    /// The 99th percentile of the time of a login, in milliseconds.
    pub p99: f64,
    /// Logins that did not end at the page with the tokens.
    pub refused: usize,
}

/// Wraps a process in the type that [`Contender`] takes.
pub struct Plain(pub Process);

impl Deref for Plain {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.0
    }
}

impl<'a> Contender<'a> {
    pub fn new(name: &'static str, process: &'a dyn Deref<Target = Process>, site: &'a Site) -> Self {
        Self { name, process, site, samples: Vec::new() }
    }

    /// Lets so many users log in again and again for this long.
    pub async fn measure(&mut self, users: usize, length: Duration, standin: &Process) {
        let before = (self.process.cpu(), standin.cpu());
        let began = stopwatch();
        let browsers = (0..users).map(|number| repeat(Browser::new(number), self.site, length));
        let results = futures_util::future::join_all(browsers).await;
        let elapsed = began.elapsed();
        let (cpu, standin_cpu) = (self.process.cpu() - before.0, standin.cpu() - before.1);
        let (mut times, refused) =
            results.into_iter().fold((Vec::new(), 0), |(mut all, refused), (times, failures)| {
                all.extend(times);
                (all, refused + failures)
            });
        times.sort_unstable();
        self.samples.push(Sample::new(&times, refused, elapsed, cpu, standin_cpu));
    }

    /// The median of the rounds.
    pub fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        let mut all: Vec<f64> = self.samples.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }
}

impl Sample {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 logins")]
    fn new(times: &[Duration], refused: usize, elapsed: Duration, cpu: Cpu, standin_cpu: Cpu) -> Self {
        let logins = times.len() as f64;
        let percentile = |percent: usize| {
            times.get(times.len() * percent / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
        };
        Self {
            cpu: cpu.per(logins, 1000.0).total(),
            standin_cpu: standin_cpu.per(logins, 1000.0).total(),
            per_second: logins / elapsed.as_secs_f64(),
            p50: percentile(50),
            p99: percentile(99),
            refused,
        }
    }
}

async fn repeat(mut browser: Browser, site: &Site, length: Duration) -> (Vec<Duration>, usize) {
    let began = stopwatch();
    let (mut times, mut refused) = (Vec::new(), 0);
    while began.elapsed() < length {
        let login = stopwatch();
        match browser.log_in(site).await {
            Ok(()) => times.push(login.elapsed()),
            Err(failed) => {
                if refused == 0 {
                    eprintln!("{}: {failed}", site.home);
                }
                refused += 1;
            }
        }
    }
    (times, refused)
}
