//! Everything works without JavaScript.

use std::time::Duration;

use browser::{Browser, Scripts, Setup};
use thirtyfour::{By, error::WebDriverResult};

const NO_SCRIPTS: Setup = Setup { scripts: Scripts::Off, demo: &[] };

#[tokio::test]
async fn without_scripts_every_journey_works_and_no_button_does_nothing() {
    NO_SCRIPTS
        .run(async |browser| {
            deny(browser).await?;
            browser.log_in().await?;
            reveal(browser).await?;
            expect_no_copy_button(browser).await?;
            browser.click("Try it: list my forms").await?;
            browser.expect_heading("Try it: list my forms").await?;
            browser.click("Tokens").await?;
            browser.click("Refresh now").await?;
            expect_feedback(browser, "Refreshed.").await?;
            browser.revoke().await?;
            browser.control("Login on VideoAsk").await?;
            expect_feedback(browser, "Revoked.").await?;
            browser.log_in().await?;
            browser.click("Log out").await?;
            browser.control("Login on VideoAsk").await?;
            expect_feedback(browser, "Logged out").await?;
            browser.open("/tokens").await?;
            browser.expect_heading("You are not logged in").await
        })
        .await;
}

#[tokio::test]
async fn without_scripts_a_page_that_is_loaded_again_says_that_the_token_has_expired() {
    let expires_soon = Setup { demo: &["--access-ttl", "4s"], ..NO_SCRIPTS };
    expires_soon
        .run(async |browser| {
            browser.log_in().await?;
            let expired = async {
                while browser.find("#state").await?.text().await? != "The access token has expired" {
                    browser.open("/tokens").await?;
                }
                WebDriverResult::Ok(())
            };
            tokio::time::timeout(Duration::from_mins(1), expired).await.expect("it says so once it has expired")
        })
        .await;
}

async fn deny(browser: &Browser) -> WebDriverResult<()> {
    browser.open("/").await?;
    browser.click("Login on VideoAsk").await?;
    browser.click("Deny").await?;
    browser.expect_heading("VideoAsk did not grant access").await
}

async fn reveal(browser: &Browser) -> WebDriverResult<()> {
    let token = browser.find("#access-token").await?;
    assert!(!token.is_displayed().await?);
    browser.click("Show the access token").await?;
    assert_eq!(token.text().await?, browser.hidden_text("#access-token").await?);
    assert_eq!(browser.find("#state").await?.text().await?, "Valid for 23 h 59 min", "the server says it too");
    Ok(())
}

async fn expect_no_copy_button(browser: &Browser) -> WebDriverResult<()> {
    let buttons = browser.driver().find_all(By::Css("button[data-copy]")).await?;
    assert_eq!(buttons.len(), 8, "two tokens, four examples and two programs that refresh");
    for button in buttons {
        assert!(!button.is_displayed().await?);
    }
    Ok(())
}

async fn expect_feedback(browser: &Browser, start: &str) -> WebDriverResult<()> {
    let text = browser.find(".feedback[role=status]").await?.text().await?;
    assert!(text.starts_with(start), "{text}");
    Ok(())
}
