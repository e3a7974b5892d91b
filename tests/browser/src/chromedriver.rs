//! One ChromeDriver for all tests, and a browser for each.

use std::sync::OnceLock;

use thirtyfour::{
    ChromeCapabilities, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver,
    error::WebDriverResult,
};

use crate::process::ChildProcess;

/// Flags against background work and requests to the internet. ChromeDriver makes and removes a profile per browser.
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
    /// Runs until the tests end.
    _process: ChildProcess,
}

/// Starts a browser, with these flags besides the usual ones.
pub(crate) async fn browser(flags: &[&str]) -> WebDriverResult<WebDriver> {
    static DRIVER: OnceLock<ChromeDriver> = OnceLock::new();
    let driver = DRIVER.get_or_init(|| {
        // In one workspace with the app, thirtyfour's HTTP client has the app's features, and thus needs a crypto
        // provider. An error means that one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut process = ChildProcess::start("chromedriver", &["--port=0"]);
        let port = process.rest_of_line_after("started successfully on port ");
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
