//! What the script adds.

use browser::{Stage, on_stage};
use serde_json::json;
use thirtyfour::error::WebDriverResult;

#[tokio::test]
async fn the_copy_buttons_put_the_exact_tokens_on_the_clipboard() {
    on_stage(async |browser| {
        let may_read = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        browser.cdp("Browser.grantPermissions", may_read).await?;
        browser.log_in().await?;
        for (says, source) in [
            ("Copy the access token", "#access-token"),
            ("Copy the refresh token", "#refresh-token"),
            ("Copy the Python example", "#snippet-2"),
        ] {
            let button = browser.control(says).await?;
            // As it is set in lines, which is not as the page has it.
            let said = button.text().await?;
            button.click().await?;
            assert_eq!(browser.see_change(&button, &said).await?, "Copied");
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
    let short_lived = Stage { demo: &["--access-ttl", "10m"], ..Stage::default() };
    short_lived
        .play(async |browser| {
            browser.log_in().await?;
            let left = browser.find(".time-left").await?;
            let first = left.text().await?;
            let second = browser.see_change(&left, &first).await?;
            assert!(seconds_in(&second) < seconds_in(&first), "{first}, then {second}");
            assert!((60..600).contains(&seconds_in(&first)), "{first}");
            Ok(())
        })
        .await;
}

/// The seconds in "9 min 58 s".
fn seconds_in(life: &str) -> u64 {
    let (minutes, rest) = life.split_once(" min ").expect("more than a minute is left");
    let seconds = rest.strip_suffix(" s").expect("it counts seconds");
    60 * minutes.parse::<u64>().expect("a number") + seconds.parse::<u64>().expect("a number")
}

#[tokio::test]
async fn a_token_that_ends_before_ones_eyes_says_so() {
    let ends_soon = Stage { demo: &["--access-ttl", "8s"], ..Stage::default() };
    ends_soon
        .play(async |browser| {
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
    on_stage(async |browser| {
        browser.log_in().await?;
        let refuse = "navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'));";
        browser.driver().execute(refuse, Vec::new()).await?;
        let button = browser.control("Copy the access token").await?;
        let said = button.text().await?;
        let width = button.rect().await?.width;
        button.click().await?;
        assert_eq!(browser.see_change(&button, &said).await?, "Press Ctrl+C");
        assert!((button.rect().await?.width - width).abs() < 0.5, "the button keeps its width");
        let selected = browser.driver().execute("return getSelection().toString().trim();", Vec::new()).await?;
        assert_eq!(selected.convert::<String>()?, browser.hidden_text("#access-token").await?);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_revealed_token_hides_when_its_tab_is_no_longer_seen() {
    on_stage(async |browser| {
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
    on_stage(async |browser| {
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
    on_stage(async |browser| {
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
