//! A login whose browser runs anywhere: the person copies the address at which it ends.

use std::{
    io::{BufRead, Read, stdin},
    sync::Arc,
    thread,
};

use oauth2::AuthorizationCode;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::{
    cli::{error::CliError, output, spinner},
    config::AppUrl,
    login::{Callback, Finished, LoginError, PendingLogin},
    web::AppState,
};

/// The longest line, in bytes. No callback is longer.
const LONGEST: u64 = 64 * 1024;

/// Why a pasted address is not the right one. The person may try again.
#[derive(Debug, thiserror::Error)]
enum PasteError {
    #[error("This is the address to open. Log in there, then paste the address at which the browser ends.")]
    AddressToOpen,
    #[error("This is not the address at which the browser ends. That one contains {0}?code= or {0}?error=.")]
    NotTheCallback(String),
    #[error("This address is not complete. Copy all of it, from the address bar of the browser.")]
    Incomplete,
    #[error("This address belongs to another login. Open the address above, log in, and paste where that login ends.")]
    AnotherLogin,
}

enum Pasted {
    Code(AuthorizationCode),
    Again(PasteError),
    /// The login took too long. A new one needs a new address to open.
    Expired,
}

/// Asks until an address is the callback of this login.
pub(super) async fn log_in(app: &Arc<AppState>) -> Result<Finished, CliError> {
    let mut lines = lines_of_stdin();
    'login: loop {
        let (login, url) = app.logins.start(None);
        output::note(&format_args!(
            "Open this address in a browser on any machine, and log in:\n\n  {url}\n\nThen the browser goes to an address \
             that begins with {}. The page\nmay not load, or say that no login is in progress: that does not matter. \
             Copy its address, paste\nit here and press Enter:",
            app.app_url.callback()
        ));
        loop {
            let line = lines.recv().await.ok_or(CliError::NothingPasted)?;
            match read(app, &login, &line)? {
                Pasted::Code(code) => {
                    // While the permit is held, stopping would lose the tokens.
                    let _permit = Arc::clone(&app.code_exchanges).acquire_owned().await;
                    let finished = spinner::during("Getting the tokens", app.logins.finish(login, code)).await;
                    return finished.map_err(|error| CliError::Login(Arc::new(error)));
                }
                Pasted::Again(error) => output::note(&error),
                Pasted::Expired => {
                    output::note(&"That login took longer than ten minutes, so its code was not used.\n");
                    continue 'login;
                }
            }
        }
    }
}

/// Checks a pasted address like a callback.
fn read(app: &AppState, login: &PendingLogin, line: &str) -> Result<Pasted, CliError> {
    let callback = match parse(&app.app_url, line) {
        Ok(callback) => callback,
        Err(error) => return Ok(Pasted::Again(error)),
    };
    match app.logins.accept(login, callback) {
        Ok(code) => Ok(Pasted::Code(code)),
        Err(LoginError::Expired) => Ok(Pasted::Expired),
        Err(error) if error.leaves_login_open() => Ok(Pasted::Again(PasteError::AnotherLogin)),
        Err(error) => Err(CliError::Login(Arc::new(error))),
    }
}

/// Some browsers leave out the scheme, so the address is recognised by its path.
fn parse(app_url: &AppUrl, line: &str) -> Result<Callback, PasteError> {
    let address = line.trim().split('#').next().unwrap_or_default();
    let expected = app_url.callback();
    match address.split_once('?') {
        Some((page, query)) if page.ends_with(expected.path()) => {
            let callback = Callback::from_query(query).filter(Callback::is_complete);
            callback.ok_or(PasteError::Incomplete)
        }
        Some((page, _)) if page.ends_with("/authorize") => Err(PasteError::AddressToOpen),
        None if address.ends_with(expected.path()) => Err(PasteError::Incomplete),
        Some(_) | None => Err(PasteError::NotTheCallback(expected.path().to_owned())),
    }
}

/// The lines of stdin. A thread reads them, and the end of the process does not wait for it.
fn lines_of_stdin() -> mpsc::Receiver<Zeroizing<String>> {
    let (send, lines) = mpsc::channel(1);
    thread::spawn(move || {
        loop {
            let mut line = Zeroizing::new(String::with_capacity(4096));
            match stdin().lock().take(LONGEST).read_line(&mut line) {
                Ok(1..) if send.blocking_send(line).is_ok() => {}
                _ => return,
            }
        }
    });
    lines
}
