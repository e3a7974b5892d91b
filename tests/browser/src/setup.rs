//! What a test needs: a demo and a browser. Both end with the test.

use thirtyfour::{WebDriver, error::WebDriverResult};

use videoask_auth::clock::ClockControl;

use crate::{
    Browser, chromedriver,
    demo::{Demo, KEEP},
    in_process,
};

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scripts {
    /// They may.
    #[default]
    On,
    /// JavaScript is switched off.
    Off,
}

/// How a test's demo and browser are started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// Whether pages may run scripts.
    pub scripts: Scripts,
    /// Further options of `demo`.
    pub demo: &'static [&'static str],
}

/// A demo in keep mode.
pub const KEEP_MODE: Setup = Setup { scripts: Scripts::On, demo: &[KEEP] };

impl Setup {
    /// Runs a test with a demo and a browser of its own. The test fails if the browser logs a warning or an error, such
    /// as a violation of the Content Security Policy.
    pub async fn run(self, test: impl AsyncFnOnce(&Browser) -> WebDriverResult<()>) {
        // Waiting for cargo and for the first line of output blocks the thread.
        let demo = tokio::task::spawn_blocking(move || Demo::start(self.demo)).await.expect("the demo starts");
        run_with(demo, self.scripts, test).await;
    }
}

async fn run_with(demo: Demo, scripts: Scripts, test: impl AsyncFnOnce(&Browser) -> WebDriverResult<()>) {
    let driver = chromedriver::browser(&[]).await.expect("Chromium and its driver are installed");
    let result = driver.run_and_quit(async |driver| {
        let browser = Browser::new(driver, demo);
        browser.set_scripts(scripts).await?;
        test(&browser).await?;
        assert_eq!(browser.console_messages().await?, [] as [String; 0]);
        WebDriverResult::Ok(())
    });
    result.await.unwrap_or_else(|error| panic!("{error}"));
}

/// Runs a test with the app, in keep mode, in this process, under a clock that the test advances.
pub async fn with_manual_clock(test: impl AsyncFnOnce(&Browser, &ClockControl) -> WebDriverResult<()>) {
    let (demo, clock) = in_process::start().await;
    run_with(demo, Scripts::On, async |browser| test(browser, &clock).await).await;
}

/// Runs a test with a demo in mint mode, and scripts on.
pub async fn with_demo(test: impl AsyncFnOnce(&Browser) -> WebDriverResult<()>) {
    Setup::default().run(test).await;
}

/// Runs a test with a browser that has further flags, and without a demo.
pub async fn with_browser(flags: &[&str], test: impl AsyncFnOnce(&WebDriver) -> WebDriverResult<()>) {
    let driver = chromedriver::browser(flags).await.expect("Chromium and its driver are installed");
    driver.run_and_quit(async |driver| test(&driver).await).await.unwrap_or_else(|error| panic!("{error}"));
}
