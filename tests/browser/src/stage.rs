//! What every test needs: a demo, a browser before it, and the certainty that both are gone afterwards.

use thirtyfour::{WebDriver, error::WebDriverResult};

use crate::{
    Browser, chromedriver,
    demo::{Demo, KEEP},
};

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scripts {
    /// As in most browsers.
    #[default]
    On,
    /// As some people prefer it.
    Off,
}

/// Where a scene plays.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stage {
    /// Whether pages may run scripts.
    pub scripts: Scripts,
    /// Further options of `demo`.
    pub demo: &'static [&'static str],
}

/// Before a demo that keeps the tokens.
pub const KEEPING: Stage = Stage { scripts: Scripts::On, demo: &[KEEP] };

impl Stage {
    /// Plays a scene before a demo of its own, in a browser of its own. Whatever the scene is about, a browser that
    /// complains of a page (of what its CSP forbids, above all) fails it.
    pub async fn play(self, scene: impl AsyncFnOnce(&Browser) -> WebDriverResult<()>) {
        // Cargo and the first line of output are waited for, which must not stand in another scene's way.
        let demo = tokio::task::spawn_blocking(move || Demo::start(self.demo)).await.expect("the demo starts");
        let driver = chromedriver::browser(&[]).await.expect("Chromium and its driver are installed");
        let played = driver.run_and_quit(async |driver| {
            let browser = Browser::new(driver, demo);
            browser.scripts(self.scripts).await?;
            scene(&browser).await?;
            assert_eq!(browser.complaints().await?, [] as [String; 0]);
            WebDriverResult::Ok(())
        });
        played.await.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Plays a scene on the usual stage: scripts run, and the demo is as it comes.
pub async fn on_stage(scene: impl AsyncFnOnce(&Browser) -> WebDriverResult<()>) {
    Stage::default().play(scene).await;
}

/// Gives a scene a browser with further flags, and no demo.
pub async fn in_browser(flags: &[&str], scene: impl AsyncFnOnce(&WebDriver) -> WebDriverResult<()>) {
    let driver = chromedriver::browser(flags).await.expect("Chromium and its driver are installed");
    driver.run_and_quit(async |driver| scene(&driver).await).await.unwrap_or_else(|error| panic!("{error}"));
}
