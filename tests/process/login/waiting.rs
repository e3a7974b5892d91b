//! A command that waits for its login, and the browser beside it.

use url::Url;

use super::START;
use crate::support::{Deployment, Finished, Page, Program, browser::Browser};

/// A command that waits for its login, and a browser on the same machine.
pub(super) struct WaitingLogin {
    pub(super) program: Program,
    pub(super) browser: Browser,
}

impl WaitingLogin {
    pub(super) fn start(deployment: &Deployment, options: &[&str]) -> Self {
        Self::of(deployment, deployment.start(&[&["login", "--no-browser"], options].concat(), &[]))
    }

    pub(super) fn of(deployment: &Deployment, mut program: Program) -> Self {
        program.line(Program::stderr, START);
        Self { program, browser: browser(deployment) }
    }

    /// The callback of a login that this user approves.
    pub(super) async fn callback(&self, user: &str) -> Url {
        self.browser.approve(&self.browser.begin().await, user).await
    }

    /// Logs in. Returns the last page, and the exit code and output of the command.
    pub(super) async fn log_in(self, user: &str) -> (Page, Finished) {
        let page = self.browser.get(self.callback(user).await.as_str()).await;
        (page, self.program.finish())
    }

    /// Starts a login that VideoAsk refuses at once. Returns the same as [`WaitingLogin::log_in`].
    pub(super) async fn refused(self) -> (Page, Finished) {
        let page = self.browser.open(START).await;
        (page, self.program.finish())
    }
}

/// A browser on the same machine.
pub(super) fn browser(deployment: &Deployment) -> Browser {
    Browser::new(deployment.variable("APP_URL").parse().unwrap())
}
