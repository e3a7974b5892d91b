//! Everything works without JavaScript.

use browser::{Scripts, Stage};
use thirtyfour::By;

const NO_SCRIPTS: Stage = Stage { scripts: Scripts::Off, demo: &[] };

#[tokio::test]
async fn without_scripts_one_logs_in_reveals_tries_and_logs_out() {
    NO_SCRIPTS
        .play(async |browser| {
            browser.log_in().await?;
            let token = browser.find("#access-token").await?;
            assert!(!token.is_displayed().await?);
            browser.click("Show the access token").await?;
            assert_eq!(token.text().await?, browser.hidden_text("#access-token").await?);
            assert_eq!(
                browser.find("#state").await?.text().await?,
                "Valid for 23 h 59 min",
                "the server says it as well"
            );
            browser.click("Try it: list my forms").await?;
            browser.see("Try it: list my forms").await?;
            browser.click("Log out").await?;
            browser.control("Login on VideoAsk").await?;
            browser.open("/tokens").await?;
            browser.see("You are not logged in").await
        })
        .await;
}

#[tokio::test]
async fn without_scripts_there_is_no_button_that_does_nothing() {
    NO_SCRIPTS
        .play(async |browser| {
            browser.log_in().await?;
            let buttons = browser.driver().find_all(By::Css("button[data-copy]")).await?;
            assert_eq!(buttons.len(), 8, "two tokens, four examples and two programs that refresh");
            for button in buttons {
                assert!(!button.is_displayed().await?);
            }
            Ok(())
        })
        .await;
}
