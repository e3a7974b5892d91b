//! The whole journey without a mouse.

use browser::with_demo;
use thirtyfour::{By, Key};

#[tokio::test]
async fn everything_works_from_the_keyboard_and_the_focus_is_always_seen() {
    with_demo(async |browser| {
        browser.open("/").await?;
        assert_eq!(browser.tab_to("Login on VideoAsk").await?, ["VideoAsk auth", "Login on VideoAsk"]);
        browser.press(Key::Enter).await?;

        browser.expect_heading("Log in").await?;
        browser.tab_to("ada@example.com").await?;
        browser.press(Key::Down).await?;
        browser.find("input[value='grace@example.com']:checked").await?;
        browser.tab_to("What this app may do").await?;
        browser.press(Key::Enter).await?;
        browser.find("details[open]").await?;
        assert_eq!(browser.tab_to("Approve").await?, ["Approve"]);
        browser.press(Key::Enter).await?;

        browser.expect_tokens().await?;
        let navigation = ["VideoAsk auth", "Tokens", "Try it", "Log out"];
        let stops = browser.tab_to("Show the access token").await?;
        assert_eq!(stops, [&navigation[..], &["Show the access token"]].concat());
        browser.press(Key::Enter).await?;
        let stops = browser.tab_to("Show the refresh token").await?;
        assert_eq!(stops, ["The access token", "Copy the access token", "Show the refresh token"]);
        browser.press(Key::Space).await?;
        for token in ["#access-token", "#refresh-token"] {
            assert!(browser.find(token).await?.is_displayed().await?, "{token}");
        }
        let stops = browser.tab_to("Refresh now").await?;
        for control in ["Download .env", "Shell example", "Python", "Copy the Rust example"] {
            assert!(stops.iter().any(|stop| stop == control), "{control} is not among {stops:?}");
        }
        browser.press(Key::Enter).await?;
        browser.find(".feedback").await?;

        browser.tab_to("Revoke this connection").await?;
        browser.press(Key::Space).await?;
        assert_eq!(browser.tab_to("Revoke this connection").await?, ["Revoke this connection"]);
        browser.press(Key::Enter).await?;
        browser.control("Login on VideoAsk").await?;
        assert!(browser.find(".feedback").await?.text().await?.starts_with("Revoked."));

        browser.tab_to("Login on VideoAsk").await?;
        browser.press(Key::Enter).await?;
        browser.expect_heading("Log in").await?;
        browser.tab_to("Approve").await?;
        browser.press(Key::Enter).await?;
        browser.expect_tokens().await?;
        browser.tab_to("Log out").await?;
        browser.press(Key::Enter).await?;
        browser.control("Login on VideoAsk").await?;
        assert!(browser.driver().find_all(By::Css("#access-token")).await?.is_empty());
        Ok(())
    })
    .await;
}
