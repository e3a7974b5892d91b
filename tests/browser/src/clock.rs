//! A page's time, under a test's control.

use std::time::Duration;

use serde_json::json;
use thirtyfour::error::WebDriverResult;

use crate::Browser;

impl Browser {
    /// Stops the clock and the timers of every page that is opened from now on.
    pub async fn stop_clock(&self) -> WebDriverResult<()> {
        let script = json!({ "source": include_str!("fake_clock.js") });
        self.cdp("Page.addScriptToEvaluateOnNewDocument", script).await
    }

    /// Advances the stopped clock of the open page, and runs the timers that are due.
    pub async fn advance_clock(&self, by: Duration) -> WebDriverResult<()> {
        let advance = format!("advanceClock({});", by.as_millis());
        self.driver().execute(advance, Vec::new()).await.map(drop)
    }
}
