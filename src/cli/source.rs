//! Where a command gets tokens: from the store on this machine, or from a server on another one.

use url::Url;

use crate::{
    cli::{context::Setup, env_file::EnvFileArg, error::CliError, server::Server},
    clock::Clock,
    config::{Environment, ServerConfig},
    telemetry::{self, Verbosity},
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// Ask this server, with the API key in VIDEOASK_AUTH_API_KEY, instead of the store here
    #[arg(long, value_name = "URL", value_parser = ServerConfig::parse_option)]
    server: Option<Url>,
    #[command(flatten)]
    env_file: EnvFileArg,
}

/// Where tokens come from. Nothing is opened yet.
pub(crate) enum Source {
    Store(Box<Setup>),
    Server(Box<Server>),
}

impl SourceArgs {
    /// Reads the configuration. If the command cannot work with it, the error names `command`.
    pub(crate) fn load(self, command: &'static str) -> Result<Source, CliError> {
        let Self { server, env_file } = self;
        match (server, env_file.is_given()) {
            (Some(_), true) => Err(CliError::ServerReadsNoFile),
            // The option takes precedence over the variable.
            (None, true) => store(env_file, command),
            (server, false) => {
                let config = ServerConfig::load(&Environment::of_process(), server);
                match config.map_err(CliError::ServerConfiguration)? {
                    Some(config) => {
                        telemetry::init(&config.telemetry, Verbosity::Command);
                        Ok(Source::Server(Box::new(Server::new(&config, Clock::system())?)))
                    }
                    None => store(env_file, command),
                }
            }
        }
    }
}

fn store(env_file: EnvFileArg, command: &'static str) -> Result<Source, CliError> {
    Ok(Source::Store(Box::new(Setup::load(env_file, command)?)))
}
