//! The options of the command line.

use clap::{Parser, Subcommand};

/// Compares the machine API with a bare handler, and the proxy with nginx.
#[derive(Parser)]
pub struct Options {
    /// How often each of a pair is asked
    #[arg(long, default_value_t = 15)]
    pub rounds: usize,
    /// How long it is asked each time
    #[arg(long, default_value_t = 1)]
    pub seconds: u64,
    /// How many connections ask at once
    #[arg(long, default_value_t = 64)]
    pub connections: u32,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
    /// Which of the processes this is; the benchmark starts the others itself
    #[command(subcommand)]
    pub role: Option<Role>,
}

#[derive(Subcommand)]
pub enum Role {
    /// The bare handler
    #[command(hide = true)]
    Floor { length: usize, authorization: String, headers: Vec<String> },
    /// The stand-in for VideoAsk
    #[command(hide = true)]
    Standin { callback: String },
}
