//! The options of the command line.

use clap::{Parser, ValueEnum};

/// Measures how costs grow, and draws charts.
#[derive(Parser)]
pub struct Options {
    /// Which curves; by default all
    #[arg(value_enum)]
    curves: Vec<Curve>,
    /// Numbers of kept connections
    #[arg(long, value_delimiter = ',', default_value = "1,100,1000,10000,100000")]
    pub kept: Vec<usize>,
    /// Numbers of processes
    #[arg(long, value_delimiter = ',', default_value = "1,2,3,4")]
    pub replicas: Vec<usize>,
    /// How many browsers log in at the replicas at once
    #[arg(long, default_value_t = 16)]
    pub browsers: usize,
    /// Numbers of open HTTP connections
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,1000,10000")]
    pub open: Vec<usize>,
    /// Numbers of API keys
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,1000")]
    pub keys: Vec<usize>,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Curve {
    /// Kept connections
    Kept,
    /// Processes on one Redis
    Replicas,
    /// Open HTTP connections
    Open,
    /// API keys
    Keys,
}

impl Options {
    pub fn has(&self, curve: Curve) -> bool {
        self.curves.is_empty() || self.curves.contains(&curve)
    }
}
