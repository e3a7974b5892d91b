//! What the tests share: the program with a folder and an environment of its own, and a stand-in whose time is the real
//! time.
#[expect(dead_code, reason = "the tests of the app use more of it")]
#[path = "../../app/support/browser.rs"]
pub mod browser;
#[path = "../../support/certificates.rs"]
pub mod certificates;
mod clocks;
mod deployment;
#[path = "../../support/documents.rs"]
pub mod documents;
pub mod nginx;
#[path = "../../support/ports.rs"]
pub mod ports;
mod program;
mod provider;
#[path = "../../support/receiver.rs"]
pub mod receiver;
mod recording_proxy;
#[expect(dead_code, reason = "the tests of the store use more of it")]
#[path = "../../support/redis.rs"]
pub mod redis;
mod secrets;

use std::{thread, time::Duration};

pub use browser::Page;
pub use clocks::{Clocks, EXPIRED};
pub use deployment::{Deployment, Server, run_in, start_in, typing_in};
pub use nginx::Nginx;
pub use program::{Finished, Program};
pub use provider::Provider;
pub use recording_proxy::{ListeningAddress, RecordingProxy};
pub use secrets::Secrets;

/// The longest wait for another process. A busy machine may need it.
const PATIENCE: Duration = Duration::from_secs(120);
const STEP: Duration = Duration::from_millis(5);

/// Polls until there is a result. Tests wait for other processes by it, whose time a test cannot control.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..PATIENCE.as_millis() / STEP.as_millis() {
        if let Some(answer) = ask() {
            return answer;
        }
        thread::sleep(STEP);
    }
    panic!("waited in vain: {what}");
}
