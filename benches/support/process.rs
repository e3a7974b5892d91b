//! A process, and its CPU time and memory.

use std::{
    fmt, fs,
    iter::Sum,
    ops::{Add, Sub},
    process::{Child, Command},
};

use super::mebibytes;

/// Linux reports CPU time in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process, and what `/proc` reports about it. Dropping this kills the process.
pub struct Process(pub Child);

/// CPU seconds in user space and in the kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    pub user: f64,
    pub system: f64,
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_owned();
        Self(command.spawn().unwrap_or_else(|error| panic!("{} does not start: {error}", name.display())))
    }

    /// The CPU time that the process and its running child processes have used so far.
    pub fn cpu(&self) -> Cpu {
        let id = self.0.id();
        let children = proc(id, &format!("task/{id}/children"));
        let children = children.split_whitespace().map(|id| Cpu::of(id.parse().expect("a process id")));
        Cpu::of(id) + children.sum()
    }

    /// How often its threads have gone to sleep so far, to wait for something.
    pub fn sleeps(&self) -> f64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0.id())).expect("a running process");
        // A thread may have ended meanwhile.
        let statuses = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok());
        statuses.map(|status| field(&status, "voluntary_ctxt_switches:").parse::<f64>().expect("a number")).sum()
    }

    /// Resident memory in MiB.
    pub fn resident(&self) -> f64 {
        let status = proc(self.0.id(), "status");
        let kibibytes: u64 = field(&status, "VmRSS:").trim_end_matches(" kB").parse().expect("a number");
        mebibytes(kibibytes * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Cpu {
    fn of(id: u32) -> Self {
        let stat = proc(id, "stat");
        // The name in brackets may contain spaces. User and system time are the 12th and 13th field after it.
        let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
        let mut ticks = fields.split_whitespace().skip(11).map(|ticks| ticks.parse::<f64>().expect("a number"));
        let mut seconds = || ticks.next().expect("a field") / TICKS_PER_SECOND;
        Self { user: seconds(), system: seconds() }
    }

    pub fn total(self) -> f64 {
        self.user + self.system
    }

    /// The CPU time of one of `count` things, times `scale`.
    pub fn per(self, count: f64, scale: f64) -> Self {
        Self { user: self.user / count * scale, system: self.system / count * scale }
    }
}

impl Add for Cpu {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { user: self.user + other.user, system: self.system + other.system }
    }
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { user: self.user - other.user, system: self.system - other.system }
    }
}

impl Sum for Cpu {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s (user {:.3}, system {:.3})", self.total(), self.user, self.system)
    }
}

/// The value of a field of `/proc/*/status`.
fn field<'a>(status: &'a str, name: &str) -> &'a str {
    status.lines().find_map(|line| line.strip_prefix(name)).expect("a field of a running process").trim()
}

fn proc(id: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{id}/{file}")).expect("Linux has /proc, and the process runs")
}
