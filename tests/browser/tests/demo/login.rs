//! The login in a browser.

use browser::with_demo;
use thirtyfour::By;

#[tokio::test]
async fn a_login_ends_with_both_tokens_masked_until_they_are_revealed() {
    with_demo(async |browser| {
        browser.log_in().await?;
        for (token, name) in [("#access-token", "access"), ("#refresh-token", "refresh")] {
            let element = browser.find(token).await?;
            assert!(!element.is_displayed().await?, "the {name} token is displayed before it is revealed");
            let there = browser.hidden_text(token).await?;
            browser.click(&format!("Show the {name} token")).await?;
            assert_eq!(element.text().await?, there, "the {name} token is displayed in full");
            browser.click(&format!("Hide the {name} token")).await?;
            assert!(!element.is_displayed().await?, "the {name} token can be hidden again");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_revealed_token_is_the_one_in_the_downloads() {
    with_demo(async |browser| {
        browser.log_in().await?;
        browser.click("Show the access token").await?;
        browser.click("Show the refresh token").await?;
        let access = browser.find("#access-token").await?.text().await?;
        let refresh = browser.find("#refresh-token").await?.text().await?;
        let folder = tempfile::tempdir()?;
        let env = browser.download("Download .env", folder.path(), "videoask.env").await?;
        assert!(env.contains(&format!("VIDEOASK_ACCESS_TOKEN={access}\n")), "the file has another access token");
        assert!(env.contains(&format!("VIDEOASK_REFRESH_TOKEN={refresh}\n")), "the file has another refresh token");
        let json = browser.download("Download JSON", folder.path(), "videoask.json").await?;
        let json: serde_json::Value = serde_json::from_str(&json)?;
        assert_eq!(json["access_token"], access);
        assert_eq!(json["refresh_token"], refresh);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn denying_leads_to_a_page_from_which_a_login_works() {
    with_demo(async |browser| {
        browser.open("/").await?;
        browser.click("Login on VideoAsk").await?;
        browser.click("Deny").await?;
        browser.expect_heading("VideoAsk did not grant access").await?;
        browser.click("Log in again").await?;
        browser.expect_heading("Log in").await?;
        browser.find("input[value='grace@example.com']").await?.click().await?;
        browser.click("Approve").await?;
        browser.expect_heading("Your tokens").await?;
        let user = browser.find("dl").await?.text().await?;
        assert!(user.contains("grace@example.com"), "{user}");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn two_tabs_that_log_in_at_once_both_end_on_a_token_page() {
    with_demo(async |browser| {
        let driver = browser.driver();
        let tabs = [driver.window().await?, driver.new_tab().await?];
        for tab in &tabs {
            driver.switch_to_window(tab.clone()).await?;
            browser.open("/").await?;
            browser.click("Login on VideoAsk").await?;
            browser.expect_heading("Log in").await?;
        }
        for tab in &tabs {
            driver.switch_to_window(tab.clone()).await?;
            browser.click("Approve").await?;
            browser.expect_heading("Your tokens").await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn logging_out_takes_the_tokens_away_even_from_the_back_button() {
    with_demo(async |browser| {
        browser.log_in().await?;
        browser.click("Log out").await?;
        browser.control("Login on VideoAsk").await?;
        browser.driver().back().await?;
        browser.expect_heading("You are not logged in").await?;
        assert!(browser.driver().find_all(By::Css("#access-token")).await?.is_empty());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn try_it_pages_through_the_forms() {
    with_demo(async |browser| {
        browser.log_in().await?;
        browser.click("Try it: list my forms").await?;
        for shown in ["1–20 of 45", "21–40 of 45", "41–45 of 45"] {
            browser.expect_heading("Try it: list my forms").await?;
            let range = browser.find(".pager span").await?;
            assert_eq!(range.text().await?, shown);
            match shown {
                "41–45 of 45" => assert!(browser.driver().find_all(By::LinkText("Next")).await?.is_empty()),
                _ => browser.follow("Next").await?,
            }
        }
        browser.follow("Previous").await?;
        assert_eq!(browser.find(".pager span").await?.text().await?, "21–40 of 45");
        Ok(())
    })
    .await;
}
