//! Runs the demo, the real program, and opens it in a real Chromium through ChromeDriver.
//!
//! [`with_demo`] starts both and gives a test its [`Browser`]. Every such test also fails if the browser logs a warning
//! or an error. [`for_every_page`] visits every page, in every state that the demo can bring it to.

mod browser;
mod built;
mod chromedriver;
mod clock;
mod demo;
mod every_page;
mod in_process;
mod keyboard;
mod process;
mod setup;

pub use browser::Browser;
pub use built::{library, start_program};
pub use every_page::{for_every_page, refused_refresh};
pub use keyboard::Focus;
pub use process::ChildProcess;
pub use setup::{KEEP_MODE, Scripts, Setup, with_browser, with_demo, with_manual_clock};
