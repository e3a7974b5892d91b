//! Journeys over several pages and tabs.

use browser::{Browser, KEEP_MODE, Scripts, Setup, refused_refresh};
use serde_json::json;
use thirtyfour::error::WebDriverResult;

/// With JavaScript and without.
const SCRIPTS: [Scripts; 2] = [Scripts::On, Scripts::Off];

#[tokio::test]
async fn a_tab_with_older_tokens_changes_nothing_and_shows_the_newer_ones() {
    for scripts in SCRIPTS {
        Setup { scripts, ..Setup::default() }.run(async |browser| two_tabs(browser, scripts).await).await;
    }
}

async fn two_tabs(browser: &Browser, scripts: Scripts) -> WebDriverResult<()> {
    let driver = browser.driver();
    browser.log_in().await?;
    let first = driver.window().await?;
    let second = driver.new_tab().await?;
    driver.switch_to_window(second.clone()).await?;
    browser.set_scripts(scripts).await?;
    browser.open("/tokens").await?;
    browser.click("Refresh now").await?;
    assert_eq!(feedback(browser).await?, "Refreshed. These are your new tokens. Copy both again.");
    let token = browser.hidden_text("#access-token").await?;

    driver.switch_to_window(first).await?;
    let nothing = "These tokens are newer than the ones you saw, so nothing was";
    browser.revoke().await?;
    assert_eq!(feedback(browser).await?, format!("{nothing} revoked."));
    assert_eq!(browser.hidden_text("#access-token").await?, token);
    browser.follow("Refresh now").await?;
    let token = browser.hidden_text("#access-token").await?;

    driver.switch_to_window(second).await?;
    browser.follow("Refresh now").await?;
    assert_eq!(feedback(browser).await?, format!("{nothing} refreshed."));
    assert_eq!(browser.hidden_text("#access-token").await?, token);

    driver.back().await?;
    browser.expect_tokens().await
}

async fn feedback(browser: &Browser) -> WebDriverResult<String> {
    browser.find(".feedback[role=status]").await?.text().await
}

#[tokio::test]
async fn a_lost_connection_works_again_after_a_login_and_an_unlisted_user_can_switch() {
    for scripts in SCRIPTS {
        Setup { scripts, ..KEEP_MODE }.run(lost_and_unlisted).await;
    }
}

async fn lost_and_unlisted(browser: &Browser) -> WebDriverResult<()> {
    browser.log_in().await?;
    browser.set_faults(refused_refresh());
    browser.click("Refresh now").await?;
    browser.expect_heading("The connection was lost").await?;
    browser.set_faults(json!({}));
    browser.open("/tokens").await?;
    assert_eq!(browser.find("#state").await?.text().await?, "Connection lost");

    browser.click("Log in again").await?;
    browser.expect_heading("Log in").await?;
    browser.click("Approve").await?;
    browser.find(".status.good").await?;
    assert_eq!(browser.find("#state").await?.text().await?, "Connected");

    browser.click("Log out").await?;
    browser.click("Login on VideoAsk").await?;
    browser.find("input[value='eve@example.com']").await?.click().await?;
    browser.click("Approve").await?;
    browser.expect_heading("You are not on this app's list").await?;
    browser.click("Log in as another user").await?;
    browser.find("input[value='ada@example.com']").await?.click().await?;
    browser.click("Approve").await?;
    browser.find(".status.good").await?;
    assert!(browser.find(".who").await?.text().await?.ends_with("ada@example.com"));
    Ok(())
}
