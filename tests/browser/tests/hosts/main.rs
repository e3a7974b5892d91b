//! Two hosts of one site, in a real browser: a cookie that one of them sets for both must not pass for a cookie of the
//! other.

mod site;

use browser::with_browser;
use thirtyfour::{By, WebDriver, error::WebDriverResult, extensions::query::ElementQueryable};

use self::site::{APP, FLAGS, Mallory, SIBLING, Site};

/// Waits until the page has this heading.
async fn see(driver: &WebDriver, heading: &str) -> WebDriverResult<()> {
    let path = format!("//h1[normalize-space()=\"{heading}\"]");
    driver.query(By::XPath(path)).desc(heading).first().await.map(drop)
}

async fn click(driver: &WebDriver, says: &str) -> WebDriverResult<()> {
    let path = format!("//*[self::a or self::button][normalize-space()='{says}']");
    driver.query(By::XPath(path)).first().await?.click().await
}

impl Site {
    async fn open(&self, driver: &WebDriver, path: &str) -> WebDriverResult<()> {
        driver.goto(self.url(APP, path)).await
    }

    async fn log_in(&self, driver: &WebDriver) -> WebDriverResult<()> {
        self.open(driver, "/auth/videoask").await?;
        click(driver, "Approve").await?;
        see(driver, "Your tokens").await
    }

    /// On a page of the sibling host, sets a cookie for the whole site in every way that might make it pass for ours.
    async fn toss(&self, driver: &WebDriver, name: &str, value: &str) -> WebDriverResult<()> {
        driver.goto(self.url(SIBLING, "/")).await?;
        let bare = name.strip_prefix("__Host-").expect("the app is on https");
        for name in [name, &format!("%5F%5FHost-{bare}"), &format!("__Host%2D{bare}"), &format!("\u{2000}{name}")] {
            for path in ["/", "/tokens", "/auth"] {
                let set = format!("document.cookie = '{name}={value}; Domain=example.test; Path={path}; Secure';");
                driver.execute(set, Vec::new()).await?;
            }
        }
        let taken = driver.execute("return document.cookie;", Vec::new()).await?.convert::<String>()?;
        assert!(taken.contains(&format!("%5F%5FHost-{bare}={value}")), "the browser takes what is encoded: {taken}");
        // After the reload, the page shows the cookies that the browser sends.
        driver.refresh().await
    }
}

async fn names(driver: &WebDriver) -> WebDriverResult<Vec<String>> {
    Ok(driver.get_all_cookies().await?.into_iter().map(|cookie| cookie.name).collect())
}

#[tokio::test]
async fn a_session_that_a_sibling_host_tosses_is_never_used_and_logging_out_removes_the_real_one() {
    let site = Site::start().await;
    let mallory = site.mallory().await;
    let (name, value) = mallory.session().await;
    with_browser(&FLAGS, async |driver| {
        site.toss(driver, &name, &value).await?;
        site.open(driver, "/tokens").await?;
        see(driver, "You are not logged in").await?;

        site.log_in(driver).await?;
        let real = driver.get_named_cookie(name.clone()).await?.value;
        site.toss(driver, &name, &value).await?;
        let seen = driver.find(By::Tag("body")).await?.text().await?;
        assert!(seen.contains("Cookie: ") && !seen.contains(&real), "the sibling is sent the session: {seen}");
        site.open(driver, "/tokens").await?;
        see(driver, "Your tokens").await?;
        let text = driver.find(By::Tag("body")).await?.text().await?;
        assert!(text.contains("ada@example.com") && !text.contains("mallory@example.com"), "{text}");

        assert!(names(driver).await?.contains(&name));
        click(driver, "Log out").await?;
        driver.query(By::LinkText("Login on VideoAsk")).first().await?;
        assert!(!names(driver).await?.contains(&name), "the browser still has the session's cookie");
        site.open(driver, "/tokens").await?;
        see(driver, "You are not logged in").await
    })
    .await;
}

#[tokio::test]
async fn a_started_login_that_a_sibling_host_tosses_is_not_completed() {
    let site = Site::start().await;
    let Mallory { pending: (name, value), callback, .. } = site.mallory().await;
    with_browser(&FLAGS, async |driver| {
        site.toss(driver, &name, &value).await?;
        driver.goto(callback.as_str()).await?;
        see(driver, "No login in progress").await?;
        site.open(driver, "/tokens").await?;
        see(driver, "You are not logged in").await
    })
    .await;
}
