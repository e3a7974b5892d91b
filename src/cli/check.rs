//! `check`: finds what is wrong with a setup, and says how to fix it.

mod connections;
mod notification;

use crate::{
    cli::{env_file::EnvFileArg, error::CliError, output},
    clock::Clock,
    config::{ApiConfig, Config, EnvLookup, Environment, ProblemCount},
    provider::{self, Provider},
    store::{self, CanCreate, Inspection, StoreStatus},
    telemetry::{self, Metrics},
    videoask::Api,
};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    /// Look at variables and store only, and ask nothing of VideoAsk
    #[arg(long)]
    offline: bool,
    /// Send a test event to NOTIFY_URL
    #[arg(long, conflicts_with = "offline")]
    notify: bool,
    #[command(flatten)]
    env_file: EnvFileArg,
}

struct Line {
    mark: Mark,
    text: String,
    fix: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Good,
    Problem,
    Note,
}

pub(super) async fn run(options: Options) -> Result<(), CliError> {
    let loaded = Config::load(&Environment::of_process(), &options.env_file.resolve())?;
    let config = loaded.config;
    let mut problems = Report::default();
    problems.say(variables(&loaded.env_file));
    problems.say_all(loaded.warnings.iter().map(|warning| Line::note(warning.to_string())));
    problems.say_all(examine(&config).await);
    if options.offline {
        problems.say(Line::note("VideoAsk was not asked (--offline)".to_owned()));
    } else {
        let findings = Provider::new(&config.provider, Clock::system(), Metrics::default())?.check().await;
        problems.say_all(findings.iter().map(Line::of_provider));
        problems.say(api_host(&config.api).await?);
    }
    if options.notify {
        problems.say(notification::test(&config).await?);
    }
    let callback = config.provider.callback.clone();
    problems.say_all(connections::examine(config).await?);
    output::data(&format_args!("\nThe callback URL to register in VideoAsk's developer settings:\n  {callback}"));
    problems.conclude()
}

/// Prints as it goes, since asking takes time, and counts what is to be fixed.
#[derive(Default)]
struct Report {
    problems: usize,
}

impl Report {
    fn say(&mut self, line: Line) {
        let Line { mark, text, fix } = line;
        self.problems += usize::from(mark == Mark::Problem);
        output::data(&format_args!("{} {text}", mark.sign()));
        if let Some(fix) = fix {
            output::data(&format_args!("     Fix: {fix}"));
        }
    }

    fn say_all(&mut self, lines: impl IntoIterator<Item = Line>) {
        lines.into_iter().for_each(|line| self.say(line));
    }

    fn conclude(self) -> Result<(), CliError> {
        if self.problems == 0 { Ok(()) } else { Err(CliError::Found(ProblemCount(self.problems))) }
    }
}

impl Mark {
    fn sign(self) -> &'static str {
        match self {
            Self::Good => "ok  ",
            Self::Problem => "FAIL",
            Self::Note => "note",
        }
    }
}

impl Line {
    fn good(text: String) -> Self {
        Self { mark: Mark::Good, text, fix: None }
    }

    fn note(text: String) -> Self {
        Self { mark: Mark::Note, text, fix: None }
    }

    fn problem(text: String, fix: impl Into<String>) -> Self {
        Self { mark: Mark::Problem, text, fix: Some(fix.into()) }
    }

    fn of_store(finding: &store::StoreRisk) -> Self {
        let mark = match finding.severity() {
            store::Severity::Fatal => Mark::Problem,
            store::Severity::Warning => Mark::Note,
        };
        Self { mark, text: finding.to_string(), fix: None }
    }

    fn of_provider(finding: &provider::CheckResult) -> Self {
        let mark = match finding.status() {
            provider::CheckStatus::Passed => Mark::Good,
            provider::CheckStatus::Failed => Mark::Problem,
            provider::CheckStatus::Unknown => Mark::Note,
        };
        Self { mark, text: finding.to_string(), fix: finding.fix() }
    }
}

fn variables(env_file: &EnvLookup) -> Line {
    Line::good(format!("the variables are complete (from {env_file})"))
}

/// Whether the API host can be reached at all; without a token, 401 is the answer to expect.
async fn api_host(config: &ApiConfig) -> Result<Line, CliError> {
    const UNREACHABLE: &str = "Check VIDEOASK_API_URL, this machine's network, and HTTPS_PROXY if it needs a proxy.";
    let reached = Api::new(config, Clock::system(), Metrics::default())?.reach().await;
    Ok(match reached {
        Ok(status) if status < 500 => Line::good(format!("VideoAsk's API at {} can be reached", config.url)),
        Ok(status) => Line::problem(
            format!("VideoAsk's API at {} answers with status {status}", config.url),
            "Run check again later. If it keeps happening, check VIDEOASK_API_URL.",
        ),
        Err(error) => Line::problem(
            format!("VideoAsk's API at {} cannot be reached: {}", config.url, telemetry::innermost(&error)),
            telemetry::certificate_fix(&error).unwrap_or(UNREACHABLE),
        ),
    })
}

/// Proves that the store takes a write, or that one can be made; creates nothing.
async fn examine(config: &Config) -> Vec<Line> {
    let Inspection { at, status, risks } = match store::inspect(&config.store).await {
        Ok(examined) => examined,
        // The error's own words say what to do.
        Err(error) => return vec![Line { mark: Mark::Problem, text: telemetry::chain(&error), fix: None }],
    };
    let room = match status {
        StoreStatus::Writable => Line::good(format!("the store takes writes: {at}")),
        StoreStatus::Missing(CanCreate::Yes) => Line::good(format!("there is no store yet; it will be made at {at}")),
        StoreStatus::Missing(CanCreate::Unknown) => Line::note(format!(
            "there is no store yet; it would be made at {at}, and whether that can be written shows only then"
        )),
        StoreStatus::Missing(CanCreate::NotWritable) => Line::problem(
            format!("there is no store yet, and none can be made at {at}"),
            "Let the user who runs this program write that folder, or correct STORE_URL.",
        ),
        StoreStatus::Missing(CanCreate::NoFolder) => Line::problem(
            format!("there is no store yet, and no folder for it: {at}"),
            "Make the folder, mount it, or correct STORE_URL.",
        ),
    };
    let risks = risks.into_iter().filter(|finding| finding.matters_to(&config.mode));
    std::iter::once(room).chain(risks.map(|finding| Line::of_store(&finding))).collect()
}
