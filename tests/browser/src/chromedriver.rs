//! One ChromeDriver for all tests, and a browser of its own for each.

use std::sync::OnceLock;

use thirtyfour::{
    ChromeCapabilities, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver,
    error::WebDriverResult,
};

use crate::process::Kept;

/// What keeps Chromium quiet, small and at home; its profile is a fresh directory that ChromeDriver makes and removes.
const FLAGS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

struct ChromeDriver {
    url: String,
    /// Held for as long as the tests run.
    _process: Kept,
}

/// A new browser, with these flags besides the usual ones.
pub(crate) async fn browser(flags: &[&str]) -> WebDriverResult<WebDriver> {
    static DRIVER: OnceLock<ChromeDriver> = OnceLock::new();
    let driver = DRIVER.get_or_init(|| {
        // Built together with the app, the HTTP client that talks to ChromeDriver shares the app's choice of features,
        // and with it the duty to name a crypto provider. An error means that one is named already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut process = Kept::start("chromedriver", &["--port=0"]);
        let port = process.line_with("started successfully on port ");
        ChromeDriver { url: format!("http://127.0.0.1:{}", port.trim_end_matches('.')), _process: process }
    });
    WebDriver::new(driver.url.as_str(), capabilities(flags)?).await
}

fn capabilities(flags: &[&str]) -> WebDriverResult<ChromeCapabilities> {
    let mut capabilities = DesiredCapabilities::chrome();
    for flag in FLAGS.iter().chain(flags) {
        capabilities.add_arg(flag)?;
    }
    capabilities.set_browser_log_level(LoggingPrefsLogLevel::All)?;
    Ok(capabilities)
}
