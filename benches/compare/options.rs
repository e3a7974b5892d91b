//! The options of the command line.

use std::time::Duration;

use clap::{Parser, Subcommand};
use url::Url;

/// Compares logins with those of other software.
#[derive(Parser)]
pub struct Options {
    /// How many users log in at once; may be given several times
    #[arg(long, default_values_t = [1, 16, 64])]
    pub users: Vec<usize>,
    /// How often each server is measured
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// How many seconds each time
    #[arg(long, default_value = "3", value_parser = seconds)]
    pub seconds: Duration,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
    /// Which of the processes this is; the benchmark starts the others itself
    #[command(subcommand)]
    pub role: Option<Role>,
}

#[derive(Subcommand)]
pub enum Role {
    /// The stand-in for VideoAsk
    #[command(hide = true)]
    Standin,
    /// The minimal server with the same guarantees
    #[command(hide = true)]
    Floor { provider: Url, store: String },
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}
