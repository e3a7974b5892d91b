//! What `check --notify` says: whether the receiver at NOTIFY_URL takes events.

use crate::{
    cli::{check::Line, error::CliError},
    clock::Clock,
    config::Config,
    keys::Keyring,
    notify::{HttpReceiver, Message, Receiver},
};

/// Sends the event named `test`.
pub(super) async fn test(config: &Config) -> Result<Line, CliError> {
    let Some(url) = &config.notify_url else {
        let fix = "Set NOTIFY_URL to a webhook that is told when a user has to log in again.";
        return Ok(Line::problem("there is nobody to notify: NOTIFY_URL is not set".to_owned(), fix));
    };
    let keys = Keyring::new(&config.secrets.current, &config.secrets.previous);
    let id = format!("test-{:032x}", u128::from_be_bytes(keys.random_bytes()));
    let message = Message::test(id.clone(), Clock::system().now(), config.app_url.login());
    Ok(match HttpReceiver::new(url)?.deliver(&message).await {
        Ok(()) => Line::good(format!("the receiver at NOTIFY_URL took the event {id}")),
        Err(error) => Line::problem(format!("the event {id} was not delivered: {error}"), error.fix()),
    })
}
