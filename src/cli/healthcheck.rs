//! `healthcheck`: is the server on this machine alive?

use url::Url;

use crate::{
    config::{EnvFile, Environment, Listen},
    http, telemetry,
};

use super::failure::Failure;

pub(super) async fn run(env_file: EnvFile) -> Result<(), Failure> {
    let address = Listen::load(&Environment::of_process(), &env_file)?.local_address();
    let unhealthy = |why: String| Failure::Unhealthy(format!("the server at {address} is not well: {why}"));
    let url: Url = format!("http://{address}/healthz").parse().map_err(|_| unhealthy("no such address".to_owned()))?;
    match http::health_client(&url)?.get(url).send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(unhealthy(format!("it answered {}", answer.status()))),
        Err(error) => Err(unhealthy(telemetry::chain(&error.without_url()))),
    }
}
