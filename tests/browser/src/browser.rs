//! What a user does in a browser and sees there.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};
use thirtyfour::{
    By, WebDriver, WebElement,
    error::WebDriverResult,
    extensions::query::{ElementQueryable, ElementWaitable},
};

use crate::{Scripts, demo::Demo};

const TIMEOUT: Duration = Duration::from_secs(90);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A browser, and the demo whose pages it opens.
pub struct Browser {
    driver: WebDriver,
    demo: Demo,
}

impl Browser {
    pub(crate) fn new(driver: WebDriver, demo: Demo) -> Self {
        Self { driver, demo }
    }

    /// The WebDriver session.
    #[must_use]
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// The app's base URL.
    #[must_use]
    pub fn app(&self) -> &str {
        &self.demo.app
    }

    /// The stand-in's base URL.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.demo.provider
    }

    /// The API key of a demo in keep mode.
    #[must_use]
    pub fn api_key(&self) -> &str {
        self.demo.key.as_deref().expect("the demo is in keep mode")
    }

    /// Opens a page of the app.
    pub async fn open(&self, path: &str) -> WebDriverResult<()> {
        self.driver.goto(format!("{}{path}", self.app())).await
    }

    /// The first element that a CSS selector finds. Waits until there is one.
    pub async fn find(&self, css: &str) -> WebDriverResult<WebElement> {
        self.driver.query(By::Css(css)).wait(TIMEOUT, POLL_INTERVAL).first().await
    }

    /// The link, button or summary with this text. Waits until there is one.
    pub async fn control(&self, says: &str) -> WebDriverResult<WebElement> {
        let path =
            format!("//*[self::a or self::button or self::summary or parent::summary][normalize-space()='{says}']");
        self.driver.query(By::XPath(path)).wait(TIMEOUT, POLL_INTERVAL).first().await
    }

    /// Clicks the link, button or summary with this text.
    pub async fn click(&self, says: &str) -> WebDriverResult<()> {
        self.control(says).await?.click().await
    }

    /// Clicks a link or button that leads to a page with the same heading, and waits until the old page is gone.
    pub async fn follow(&self, says: &str) -> WebDriverResult<()> {
        let control = self.control(says).await?;
        control.click().await?;
        control.wait_until().wait(TIMEOUT, POLL_INTERVAL).stale().await
    }

    /// Waits until the page has this heading.
    pub async fn expect_heading(&self, heading: &str) -> WebDriverResult<()> {
        let path = format!("//h1[normalize-space()=\"{heading}\"]");
        let description = format!("a page with the heading {heading:?}");
        self.driver.query(By::XPath(path)).desc(&description).wait(TIMEOUT, POLL_INTERVAL).first().await.map(drop)
    }

    /// Waits until an element's text is no longer `said`, and returns the new text.
    pub async fn wait_for_change(&self, element: &WebElement, said: &str) -> WebDriverResult<String> {
        element.wait_until().wait(TIMEOUT, POLL_INTERVAL).lacks_text(said.to_owned()).await?;
        element.text().await
    }

    /// A whole login, from the home page to the tokens.
    pub async fn log_in(&self) -> WebDriverResult<()> {
        self.open("/").await?;
        self.click("Login on VideoAsk").await?;
        self.expect_heading("Log in").await?;
        self.click("Approve").await?;
        self.expect_tokens().await
    }

    /// Waits for the token page of either mode.
    pub async fn expect_tokens(&self) -> WebDriverResult<()> {
        self.find("#state").await.map(drop)
    }

    /// Revokes the connection, with the button of the open token page.
    pub async fn revoke(&self) -> WebDriverResult<()> {
        self.click("Revoke this connection").await?;
        self.find(".danger-zone button").await?.click().await
    }

    /// An element's text, whether or not it is displayed.
    pub async fn hidden_text(&self, css: &str) -> WebDriverResult<String> {
        Ok(self.find(css).await?.prop("textContent").await?.unwrap_or_default())
    }

    /// Downloads a file that the page offers into `folder`, and reads it.
    pub async fn download(&self, says: &str, folder: &Path, name: &str) -> WebDriverResult<String> {
        let folder_and_all = json!({ "behavior": "allow", "downloadPath": folder });
        self.driver.cdp().send_raw("Browser.setDownloadBehavior", folder_and_all).await?;
        self.click(says).await?;
        let file = folder.join(name);
        let there = async {
            while !file.exists() {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        tokio::time::timeout(TIMEOUT, there).await.expect("the download arrives");
        Ok(std::fs::read_to_string(file)?)
    }

    /// Sets the size of the screen; one less than 600 pixels wide is a phone's.
    pub async fn set_screen(&self, width: u32, height: u32) -> WebDriverResult<()> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await
    }

    /// A PNG of the whole page, on a screen at least this high.
    pub async fn screenshot(&self, width: u32, height: u32) -> WebDriverResult<Vec<u8>> {
        self.set_screen(width, height).await?;
        let length = self.driver.execute("return document.documentElement.scrollHeight;", Vec::new()).await?;
        self.set_screen(width, height.max(length.convert()?)).await?;
        self.driver.screenshot_as_png().await
    }

    /// Sets the preferred colour scheme, `light` or `dark`.
    pub async fn set_color_scheme(&self, scheme: &str) -> WebDriverResult<()> {
        self.set_media_features(&[("prefers-color-scheme", scheme)]).await
    }

    /// Sets media features, such as `prefers-contrast`, and resets those that were set before.
    pub async fn set_media_features(&self, features: &[(&str, &str)]) -> WebDriverResult<()> {
        let features = features.iter().map(|(name, value)| json!({ "name": name, "value": value }));
        let features = features.collect::<Vec<_>>();
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await
    }

    /// Switches JavaScript on or off in the open tab.
    pub async fn set_scripts(&self, scripts: Scripts) -> WebDriverResult<()> {
        self.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": scripts == Scripts::Off })).await
    }

    /// Sends a command of the Chrome DevTools Protocol.
    pub async fn cdp(&self, method: &str, parameters: Value) -> WebDriverResult<()> {
        self.driver.cdp().send_raw(method, parameters).await.map(drop)
    }

    /// Sets the stand-in's faults, as its route `/_control/faults` takes them.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the value in place")]
    pub fn set_faults(&self, faults: Value) {
        let address = self.provider().trim_start_matches("http://");
        let mut socket = TcpStream::connect(address).expect("the stand-in listens");
        let (body, mut answer) = (faults.to_string(), String::new());
        let length = body.len();
        write!(
            socket,
            "PUT /_control/faults HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .and_then(|()| socket.read_to_string(&mut answer))
        .expect("the stand-in answers");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    /// Warnings and errors that the browser has logged since the last call. Messages about the status of a response are
    /// left out, since every error page causes one.
    pub async fn console_messages(&self) -> WebDriverResult<Vec<String>> {
        let mut entries = self.driver.browser_log().await?;
        entries.retain(|entry| {
            matches!(entry.level.as_str(), "WARNING" | "SEVERE")
                && !entry.message.contains("responded with a status of")
        });
        Ok(entries.into_iter().map(|entry| entry.message).collect())
    }
}
