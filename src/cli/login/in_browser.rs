//! A login whose browser runs on this machine: this command listens at `APP_URL`, and opens it.

use std::{io, sync::Arc};

use tokio::{net::TcpListener, task::spawn_blocking};

use crate::{
    app::LoginServer,
    cli::{error::CliError, output, spinner},
    config::AppUrl,
    login::Finished,
    web::AppState,
};

#[derive(Clone, Copy)]
pub(super) enum Browser {
    Open,
    Leave,
}

/// Listens at the address of the callback, if that is on this machine.
pub(super) async fn listen(app_url: &AppUrl) -> Result<Vec<TcpListener>, CliError> {
    let mut listeners = Vec::new();
    for address in app_url.loopback_addresses() {
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            // `localhost` may have no IPv6 address here. If another program listens there, it would get the callback.
            Err(error) if !listeners.is_empty() && error.kind() != io::ErrorKind::AddrInUse => {}
            Err(source) => return Err(CliError::LoginListen { app_url: app_url.origin(), source }),
        }
    }
    Ok(listeners)
}

/// Waits for the login. The returned server still has to send the browser its last page.
pub(super) async fn log_in(
    app: &Arc<AppState>,
    listeners: Vec<TcpListener>,
    browser: Browser,
) -> Result<(Finished, LoginServer), CliError> {
    let mut server = LoginServer::start(app, listeners);
    let address = app.app_url.login();
    match browser {
        Browser::Open => {
            output::note(&format_args!("Opening your browser. If it does not open, open this address yourself:"));
        }
        Browser::Leave => output::note(&"Open this address in a browser on this machine, and log in:"),
    }
    output::note(&format_args!("\n  {address}\n\nWithout a browser on this machine, use --paste."));
    if let Browser::Open = browser {
        let url = address.to_string();
        // Other users of this machine can see the address; the secrets of the login are in a cookie.
        let opened = spawn_blocking(move || open::that_detached(url)).await;
        if !matches!(opened, Ok(Ok(()))) {
            output::note(&format_args!("No browser could be opened: open the address yourself."));
        }
    }
    match spinner::during("Waiting for you to log in", &mut server.outcome).await {
        Ok(Ok(finished)) => Ok((finished, server)),
        Ok(Err(error)) => {
            server.finish().await;
            Err(CliError::Login(error))
        }
        Err(_) => Err(CliError::LoginPanicked),
    }
}
