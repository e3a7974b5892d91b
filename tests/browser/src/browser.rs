//! A person before a browser, as far as the tests need one.

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

const PATIENCE: Duration = Duration::from_secs(90);
const GLANCE: Duration = Duration::from_millis(50);

/// A browser, and the demo it looks at.
pub struct Browser {
    driver: WebDriver,
    demo: Demo,
}

impl Browser {
    pub(crate) fn new(driver: WebDriver, demo: Demo) -> Self {
        Self { driver, demo }
    }

    /// The driver, for what only one test does.
    #[must_use]
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Where the app is.
    #[must_use]
    pub fn app(&self) -> &str {
        &self.demo.app
    }

    /// Where its pretend VideoAsk is.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.demo.provider
    }

    /// The API key of a demo that keeps tokens.
    #[must_use]
    pub fn api_key(&self) -> &str {
        self.demo.key.as_deref().expect("the demo was started to keep tokens")
    }

    /// Opens a page of the app.
    pub async fn open(&self, path: &str) -> WebDriverResult<()> {
        self.driver.goto(format!("{}{path}", self.app())).await
    }

    /// The first element that a CSS selector finds, as soon as there is one.
    pub async fn find(&self, css: &str) -> WebDriverResult<WebElement> {
        self.driver.query(By::Css(css)).wait(PATIENCE, GLANCE).first().await
    }

    /// The link, button or summary that says this.
    pub async fn control(&self, says: &str) -> WebDriverResult<WebElement> {
        let path =
            format!("//*[self::a or self::button or self::summary or parent::summary][normalize-space()='{says}']");
        self.driver.query(By::XPath(path)).wait(PATIENCE, GLANCE).first().await
    }

    /// Clicks the link, button or summary that says this.
    pub async fn click(&self, says: &str) -> WebDriverResult<()> {
        self.control(says).await?.click().await
    }

    /// Follows a link to a page of the same name, and waits until the old one is gone.
    pub async fn turn(&self, says: &str) -> WebDriverResult<()> {
        let link = self.control(says).await?;
        link.click().await?;
        link.wait_until().wait(PATIENCE, GLANCE).stale().await
    }

    /// Waits until the page has this heading.
    pub async fn see(&self, heading: &str) -> WebDriverResult<()> {
        let path = format!("//h1[normalize-space()=\"{heading}\"]");
        let complaint = format!("a page called {heading:?}");
        self.driver.query(By::XPath(path)).desc(&complaint).wait(PATIENCE, GLANCE).first().await.map(drop)
    }

    /// Waits until an element says something else than `said`.
    pub async fn see_change(&self, element: &WebElement, said: &str) -> WebDriverResult<String> {
        element.wait_until().wait(PATIENCE, GLANCE).lacks_text(said.to_owned()).await?;
        element.text().await
    }

    /// A whole login, from the home page to the tokens.
    pub async fn log_in(&self) -> WebDriverResult<()> {
        self.open("/").await?;
        self.click("Login on VideoAsk").await?;
        self.see("Log in").await?;
        self.click("Approve").await?;
        self.see_tokens().await
    }

    /// Waits until the token page is there, in either mode.
    pub async fn see_tokens(&self) -> WebDriverResult<()> {
        self.find("#state").await.map(drop)
    }

    /// An element's text as it is in the page, shown or not.
    pub async fn hidden_text(&self, css: &str) -> WebDriverResult<String> {
        Ok(self.find(css).await?.prop("textContent").await?.unwrap_or_default())
    }

    /// Puts a file that the page offers into `folder`, and reads it.
    pub async fn download(&self, says: &str, folder: &Path, name: &str) -> WebDriverResult<String> {
        let folder_and_all = json!({ "behavior": "allow", "downloadPath": folder });
        self.driver.cdp().send_raw("Browser.setDownloadBehavior", folder_and_all).await?;
        self.click(says).await?;
        let file = folder.join(name);
        let there = async {
            while !file.exists() {
                tokio::time::sleep(GLANCE).await;
            }
        };
        tokio::time::timeout(PATIENCE, there).await.expect("the download arrives");
        Ok(std::fs::read_to_string(file)?)
    }

    /// How many pixels of the page stand out to the right of a window this wide.
    pub async fn overflow_at(&self, width: u32) -> WebDriverResult<i64> {
        self.screen(width, 800).await?;
        let overflow = "const page = document.documentElement; return page.scrollWidth - page.clientWidth;";
        self.driver.execute(overflow, Vec::new()).await?.convert()
    }

    /// Gives the page a screen of this size.
    pub async fn screen(&self, width: u32, height: u32) -> WebDriverResult<()> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await
    }

    /// The whole page as a PNG, on a screen at least this high.
    pub async fn picture(&self, width: u32, height: u32) -> WebDriverResult<Vec<u8>> {
        self.screen(width, height).await?;
        let length = self.driver.execute("return document.documentElement.scrollHeight;", Vec::new()).await?;
        self.screen(width, height.max(length.convert()?)).await?;
        self.driver.screenshot_as_png().await
    }

    /// Prefers `light` or `dark` pages.
    pub async fn prefer(&self, scheme: &str) -> WebDriverResult<()> {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.cdp("Emulation.setEmulatedMedia", features).await
    }

    pub(crate) async fn scripts(&self, scripts: Scripts) -> WebDriverResult<()> {
        self.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": scripts == Scripts::Off })).await
    }

    /// Sends the browser a command of the DevTools protocol.
    pub async fn cdp(&self, method: &str, parameters: Value) -> WebDriverResult<()> {
        self.driver.cdp().send_raw(method, parameters).await.map(drop)
    }

    /// Sets faults of the pretend VideoAsk, as its control route takes them.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the value in place")]
    pub fn pretend(&self, faults: Value) {
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

    /// Warnings and errors that the browser has logged since it was last asked. That a page came with an error's
    /// status is no complaint: an error page has one.
    pub async fn complaints(&self) -> WebDriverResult<Vec<String>> {
        let mut entries = self.driver.browser_log().await?;
        entries.retain(|entry| {
            matches!(entry.level.as_str(), "WARNING" | "SEVERE")
                && !entry.message.contains("responded with a status of")
        });
        Ok(entries.into_iter().map(|entry| entry.message).collect())
    }
}
