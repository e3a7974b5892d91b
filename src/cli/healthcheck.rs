//! `healthcheck`: is the server on this machine alive?

use std::{error::Error, fmt::Display};

use url::Url;

use crate::{
    cli::error::CliError,
    config::{EnvFile, Environment, Listen},
    http,
};

pub(super) async fn run(env_file: EnvFile) -> Result<(), CliError> {
    let address = Listen::load(&Environment::of_process(), &env_file)?.local_address();
    let unhealthy = |why: &dyn Display| CliError::Unhealthy(format!("the server at {address} (HOST and PORT) {why}"));
    let url: Url = format!("http://{address}/healthz").parse().map_err(|_| unhealthy(&"has no such address"))?;
    match http::health_client(&url)?.get(url).send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(unhealthy(&format_args!("is not well: it answered {}", answer.status()))),
        Err(error) => Err(unhealthy(&format_args!("does not answer: {}", innermost(&error)))),
    }
}

/// The system's own word; the errors around it only say that sending failed.
fn innermost(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}
