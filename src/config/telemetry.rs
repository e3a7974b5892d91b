//! `RUST_LOG` and `LOG_FORMAT`: how the program logs.

use crate::config::{
    diagnostic::{ConfigError, Issue},
    env_file::EnvFile,
    env_reader::{EnvReader, Reported},
    environment::Environment,
    log_filter,
    variable::{LOG_FORMAT, RUST_LOG},
};

/// How the program logs.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// `RUST_LOG`, in the form that `tracing_subscriber`'s `Targets` parses. If it is unset, the command decides what
    /// is logged.
    pub filter: Option<String>,
    /// `LOG_FORMAT`.
    pub format: LogFormat,
}

/// The format of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line, for machines.
    Json,
}

impl TelemetryConfig {
    /// Reads `RUST_LOG` and `LOG_FORMAT` from the environment only, for `demo`, which reads no `.env`.
    pub fn load(environment: &Environment) -> Result<Self, ConfigError> {
        let mut reader = EnvReader::new(environment, &EnvFile::None);
        let telemetry = Self::read(&mut reader);
        reader.finish(telemetry).map(|read| read.value)
    }

    /// Reads only `LOG_FORMAT`, to report a configuration with problems. Returns text if the value is not valid.
    pub(crate) fn format_alone(environment: &Environment, env_file: &EnvFile) -> LogFormat {
        let mut reader = EnvReader::new(environment, env_file);
        LogFormat::read(&mut reader).unwrap_or(LogFormat::Text)
    }

    pub(super) fn read(reader: &mut EnvReader<'_>) -> Result<Self, Reported> {
        let filter = reader.optional(RUST_LOG, log_filter::parse);
        let format = LogFormat::read(reader);
        Ok(Self { filter: filter?, format: format? })
    }
}

impl LogFormat {
    fn read(reader: &mut EnvReader<'_>) -> Result<Self, Reported> {
        reader.or_default(LOG_FORMAT, "text", Self::parse)
    }

    fn parse(text: &str) -> Result<Self, Issue> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(Issue::new("it is neither text nor json", "Write text, or json for machines.")),
        }
    }
}
