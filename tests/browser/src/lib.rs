//! The demo as a person meets it: the real program, in a real Chromium, driven through ChromeDriver.
//!
//! [`on_stage`] starts both and hands a test its [`Browser`]. What every test asserts besides its own is that the
//! browser had nothing to complain about. [`on_tour`] leads past every page there is.

mod browser;
mod built;
mod chromedriver;
mod demo;
mod process;
mod stage;
mod tour;

pub use browser::Browser;
pub use built::library;
pub use stage::{KEEPING, Scripts, Stage, in_browser, on_stage};
pub use tour::on_tour;
