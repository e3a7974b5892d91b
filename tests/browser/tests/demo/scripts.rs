//! What the pages' script adds to them.

use std::time::Duration;

use browser::{KEEP_MODE, Setup, with_demo};
use serde_json::json;
use thirtyfour::{error::WebDriverResult, extensions::query::ElementWaitable};

#[tokio::test]
async fn the_copy_buttons_put_the_exact_tokens_on_the_clipboard() {
    with_demo(async |browser| {
        let may_read = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        browser.cdp("Browser.grantPermissions", may_read).await?;
        browser.log_in().await?;
        for (says, source) in [
            ("Copy the access token", "#access-token"),
            ("Copy the refresh token", "#refresh-token"),
            ("Copy the Python example", "#snippet-2"),
        ] {
            let button = browser.control(says).await?;
            // The text as it is displayed, which differs from the text in the source.
            let said = button.text().await?;
            button.click().await?;
            assert_eq!(browser.wait_for_change(&button, &said).await?, "Copied");
            assert_eq!(clipboard(browser).await?, browser.hidden_text(source).await?, "{source}");
            assert!(!browser.find(source).await?.is_displayed().await?, "{source} is copied without being shown");
        }
        Ok(())
    })
    .await;
}

async fn clipboard(browser: &browser::Browser) -> WebDriverResult<String> {
    let read = "navigator.clipboard.readText().then(arguments[0], error => arguments[0](`unreadable: ${error}`));";
    browser.driver().execute_async(read, Vec::new()).await?.convert()
}

#[tokio::test]
async fn the_time_left_counts_down() {
    with_demo(async |browser| {
        browser.stop_clock().await?;
        browser.log_in().await?;
        let left = browser.find(".time-left").await?;
        assert!(left.text().await?.starts_with("23 h 5"), "{}", left.text().await?);
        browser.advance_clock(Duration::from_hours(23)).await?;
        let text = left.text().await?;
        let minutes = text.split_once(" min ").expect("it counts minutes and seconds").0;
        assert!((50..60).contains(&minutes.parse::<u64>().expect("a number")), "{text}");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_page_left_open_says_that_the_token_has_expired() {
    let expires_soon = Setup { demo: &["--access-ttl", "4s"], ..Setup::default() };
    expires_soon
        .run(async |browser| {
            browser.log_in().await?;
            browser.find(".status.bad").await?;
            assert_eq!(browser.find("#state").await?.text().await?, "The access token has expired");
            assert!(browser.driver().title().await?.starts_with("The access token has expired · "));
            Ok(())
        })
        .await;
}

#[tokio::test]
async fn where_copying_is_not_allowed_the_text_is_selected_and_the_button_says_what_to_press() {
    with_demo(async |browser| {
        browser.log_in().await?;
        let refuse = "navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'));";
        browser.driver().execute(refuse, Vec::new()).await?;
        let button = browser.control("Copy the access token").await?;
        let said = button.text().await?;
        let width = button.rect().await?.width;
        button.click().await?;
        assert_eq!(browser.wait_for_change(&button, &said).await?, "Press Ctrl+C");
        assert!((button.rect().await?.width - width).abs() < 0.5, "the button keeps its width");
        let selected = browser.driver().execute("return getSelection().toString().trim();", Vec::new()).await?;
        assert_eq!(selected.convert::<String>()?, browser.hidden_text("#access-token").await?);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_revealed_token_hides_again_after_a_minute() {
    with_demo(async |browser| {
        browser.stop_clock().await?;
        browser.log_in().await?;
        browser.click("Show the access token").await?;
        let token = browser.find(".secret [open] #access-token").await?;
        browser.advance_clock(Duration::from_secs(59)).await?;
        assert!(token.is_displayed().await?);
        browser.advance_clock(Duration::from_secs(1)).await?;
        assert!(!token.is_displayed().await?);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn in_keep_mode_a_page_left_open_shows_the_new_expiry_after_a_refresh() {
    KEEP_MODE
        .run(async |browser| {
            browser.stop_clock().await?;
            browser.log_in().await?;
            let expiry = browser.find(".status .time-left").await?;
            assert!(expiry.text().await?.starts_with("23 h "), "{}", expiry.text().await?);
            let page = browser.driver().window().await?;

            // This takes the place of a refresh by the vault, which happens before the page reloads.
            browser.set_faults(json!({ "expires_in": 48 * 3600 }));
            let other = browser.driver().new_tab().await?;
            browser.driver().switch_to_window(other).await?;
            browser.open("/tokens").await?;
            browser.click("Refresh now").await?;
            browser.find(".feedback").await?;
            browser.driver().close_window().await?;

            browser.driver().switch_to_window(page).await?;
            assert!(expiry.text().await?.starts_with("23 h "), "nothing has told the page");
            browser.advance_clock(Duration::from_hours(24)).await?;
            expiry.wait_until().stale().await?;
            let text = browser.find(".status .time-left").await?.text().await?;
            assert!(text.starts_with("47 h "), "{text}");
            Ok(())
        })
        .await;
}

#[tokio::test]
async fn a_revealed_token_hides_when_its_tab_is_hidden() {
    with_demo(async |browser| {
        browser.log_in().await?;
        browser.click("Show the access token").await?;
        let token = browser.find("#access-token").await?;
        assert!(token.is_displayed().await?);
        let page = browser.driver().window().await?;
        let other = browser.driver().new_tab().await?;
        browser.driver().switch_to_window(other).await?;
        browser.driver().switch_to_window(page).await?;
        browser.find(".secret details:not([open]) #access-token").await?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_printed_page_has_no_token_even_where_one_is_revealed() {
    with_demo(async |browser| {
        browser.log_in().await?;
        browser.click("Show the access token").await?;
        browser.cdp("Emulation.setEmulatedMedia", json!({ "media": "print" })).await?;
        assert!(!browser.find("#access-token").await?.is_displayed().await?);
        assert!(!browser.find("#refresh-token").await?.is_displayed().await?);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_button_says_once_what_it_did() {
    with_demo(async |browser| {
        browser.log_in().await?;
        browser.click("Refresh now").await?;
        let said = browser.find(".feedback[role=status]").await?.text().await?;
        assert!(said.starts_with("Refreshed."), "{said}");
        let link = browser.driver().current_url().await?;
        assert_eq!((link.path(), link.query()), ("/tokens", None), "loading the page again does not say it again");
        Ok(())
    })
    .await;
}
