//! Every page, in every state that the demo can bring it to.

use std::time::Duration;

use serde_json::json;
use thirtyfour::error::WebDriverResult;
use videoask_auth::clock::ClockControl;

use crate::{Browser, KEEP_MODE, with_demo, with_manual_clock};

/// Opens every page of either mode, and calls `visit` at each with a name for it.
pub async fn for_every_page(mut visit: impl AsyncFnMut(&Browser, &str) -> WebDriverResult<()>) {
    with_demo(async |browser| browser.visit_mint_mode(async |page| visit(browser, page).await).await).await;
    KEEP_MODE.run(async |browser| browser.visit_keep_mode(async |page| visit(browser, page).await).await).await;
    with_manual_clock(async |browser, clock| {
        browser.visit_old_login(clock, async |page| visit(browser, page).await).await
    })
    .await;
}

/// The age of a login that is near its end. By the default of `REFRESH_TOKEN_LIFETIME`, it ends after 30 days.
const OLD: Duration = Duration::from_hours(25 * 24);

impl Browser {
    async fn visit_mint_mode(&self, mut visit: impl AsyncFnMut(&str) -> WebDriverResult<()>) -> WebDriverResult<()> {
        self.visit_before_login(&mut visit).await?;
        self.visit_stand_in(&mut visit).await?;
        self.visit_after_login(&mut visit).await?;
        self.visit_refreshed(&mut visit).await?;
        self.visit_expired(&mut visit).await?;
        self.visit_revoked(&mut visit).await?;
        self.visit_other_tenants(&mut visit).await
    }

    async fn visit_before_login(
        &self,
        visit: &mut impl AsyncFnMut(&str) -> WebDriverResult<()>,
    ) -> WebDriverResult<()> {
        self.open("/").await?;
        visit("home").await?;
        self.click("Setup: the callback URL to register").await?;
        visit("home-set-up").await?;
        for (path, heading, name) in [
            ("/tokens", "You are not logged in", "not-logged-in"),
            ("/nowhere", "Page not found", "not-found"),
            ("/auth/videoask/callback?code=c&state=s", "No login in progress", "no-login"),
        ] {
            self.open(path).await?;
            self.expect_heading(heading).await?;
            visit(name).await?;
        }
        Ok(())
    }

    async fn visit_stand_in(&self, visit: &mut impl AsyncFnMut(&str) -> WebDriverResult<()>) -> WebDriverResult<()> {
        self.driver().goto(format!("{}/authorize?client_id=unknown", self.provider())).await?;
        self.expect_heading("Unknown client").await?;
        visit("stand-in-error").await?;
        self.open("/auth/videoask").await?;
        self.expect_heading("Log in").await?;
        visit("stand-in-login").await?;
        self.open_details().await?;
        visit("stand-in-login-unfolded").await?;
        self.click("Deny").await?;
        self.expect_heading("VideoAsk did not grant access").await?;
        visit("denied").await
    }

    async fn visit_after_login(&self, visit: &mut impl AsyncFnMut(&str) -> WebDriverResult<()>) -> WebDriverResult<()> {
        self.log_in().await?;
        visit("tokens").await?;
        self.open_details().await?;
        visit("tokens-unfolded").await?;
        self.open("/").await?;
        visit("home-logged-in").await?;
        for (path, heading, name) in [
            ("/tokens/forms", "Try it: list my forms", "forms"),
            ("/tokens/forms?offset=20", "Try it: list my forms", "forms-second-page"),
            ("/tokens/forms?offset=1000", "Try it: list my forms", "forms-beyond-the-last"),
            ("/tokens/forms?limit=many", "This link has an invalid parameter", "invalid-link-logged-in"),
            ("/nowhere", "Page not found", "not-found-logged-in"),
        ] {
            self.open(path).await?;
            self.expect_heading(heading).await?;
            visit(name).await?;
        }
        Ok(())
    }

    async fn visit_refreshed(&self, visit: &mut impl AsyncFnMut(&str) -> WebDriverResult<()>) -> WebDriverResult<()> {
        self.open("/tokens").await?;
        self.click("Refresh now").await?;
        self.find(".feedback").await?;
        visit("tokens-refreshed").await?;
        self.set_faults(json!({ "planned": { "token": [{ "kind": "status", "status": 500 }] } }));
        self.click("Refresh now").await?;
        self.expect_heading("The refresh failed for now").await?;
        visit("refresh-failed").await?;
        self.set_faults(json!({}));
        self.click("Show my tokens").await?;
        self.expect_tokens().await?;
        visit("tokens-refresh-failed").await
    }

    async fn visit_expired(&self, visit: &mut impl AsyncFnMut(&str) -> WebDriverResult<()>) -> WebDriverResult<()> {
        self.set_faults(json!({ "expires_in": 500 }));
        self.click("Refresh now").await?;
        self.find(".feedback").await?;
        visit("tokens-expire-soon").await?;
        // A token that expires so soon is of no use, so the refresh counts as a failure. The page reloads once the
        // token has expired, and not again.
        self.set_faults(json!({ "expires_in": 1 }));
        self.follow("Refresh now").await?;
        self.find(".status.bad").await?;
        visit("tokens-refresh-of-no-use").await?;
        self.set_faults(json!({ "expires_in": 2 }));
        self.follow("Refresh now").await?;
        // The page reloads once the token has expired.
        self.find(".status.bad").await?;
        visit("tokens-expired").await?;
        self.set_faults(json!({}));
        Ok(())
    }

    async fn visit_revoked(&self, visit: &mut impl AsyncFnMut(&str) -> WebDriverResult<()>) -> WebDriverResult<()> {
        self.set_faults(json!({ "planned": { "revoke": [{ "kind": "status", "status": 500 }] } }));
        self.revoke().await?;
        self.expect_heading("VideoAsk did not confirm the revocation").await?;
        visit("revocation-failed").await?;
        self.click("Show my tokens").await?;
        self.expect_heading("Revocation not confirmed yet").await?;
        visit("revoking").await?;
        self.set_faults(json!({}));
        self.click("Try again").await?;
        self.control("Login on VideoAsk").await?;
        visit("home-revoked").await?;
        self.log_in().await?;
        self.click("Log out").await?;
        self.control("Login on VideoAsk").await?;
        visit("home-logged-out").await
    }

    async fn visit_other_tenants(
        &self,
        visit: &mut impl AsyncFnMut(&str) -> WebDriverResult<()>,
    ) -> WebDriverResult<()> {
        self.set_faults(json!({ "deviations": ["no_refresh_token", "opaque_access_token"] }));
        self.log_in().await?;
        visit("tokens-without-refresh-token").await?;
        self.set_faults(json!({ "deviations": ["wrong_issuer"] }));
        self.open("/auth/videoask").await?;
        self.click("Approve").await?;
        self.expect_heading("The login could not be verified").await?;
        visit("not-proven").await?;
        self.set_faults(json!({ "deviations": ["refuse_access_tokens"] }));
        self.open("/tokens/forms").await?;
        self.expect_heading("VideoAsk's API refused the access token").await?;
        visit("api-refused").await?;
        self.set_faults(json!({}));
        Ok(())
    }

    async fn visit_keep_mode(&self, mut visit: impl AsyncFnMut(&str) -> WebDriverResult<()>) -> WebDriverResult<()> {
        self.open("/").await?;
        visit("keep-home").await?;
        self.log_in().await?;
        visit("keep-tokens").await?;
        self.open_details().await?;
        visit("keep-tokens-unfolded").await?;
        self.set_faults(json!({ "deviations": ["no_refresh_token"] }));
        self.open("/auth/videoask").await?;
        self.click("Approve").await?;
        self.find(".feedback.warning").await?;
        visit("keep-earlier-connection").await?;
        self.visit_failing(&mut visit).await?;
        self.click("Log out").await?;
        self.control("Login on VideoAsk").await?;
        self.open("/auth/videoask?prompt=login").await?;
        self.find("input[value='eve@example.com']").await?.click().await?;
        self.click("Approve").await?;
        self.expect_heading("You are not on this app's list").await?;
        visit("keep-not-allowed").await
    }

    async fn visit_failing(&self, visit: &mut impl AsyncFnMut(&str) -> WebDriverResult<()>) -> WebDriverResult<()> {
        self.set_faults(json!({ "planned": { "token": [{ "kind": "status", "status": 500 }] } }));
        self.click("Refresh now").await?;
        self.expect_heading("The refresh failed for now").await?;
        self.click("Show my tokens").await?;
        self.find(".status.warning").await?;
        visit("keep-tokens-failing").await?;
        self.set_faults(refused_refresh());
        self.click("Refresh now").await?;
        self.expect_heading("The connection was lost").await?;
        visit("keep-refresh-refused").await?;
        self.set_faults(json!({}));
        self.open("/tokens").await?;
        self.find(".status.bad").await?;
        visit("keep-tokens-dead").await
    }

    /// A connection near the end of its login. A session ends within a day, so the page shows such a connection only
    /// after a login that came without a refresh token.
    async fn visit_old_login(
        &self,
        clock: &ClockControl,
        mut visit: impl AsyncFnMut(&str) -> WebDriverResult<()>,
    ) -> WebDriverResult<()> {
        self.log_in().await?;
        clock.advance(OLD);
        self.set_faults(json!({ "deviations": ["no_refresh_token"] }));
        self.open("/auth/videoask").await?;
        self.click("Approve").await?;
        self.find(".feedback.warning").await?;
        self.open("/tokens").await?;
        let state = self.find(".status.warning h2").await?.text().await?;
        assert!(state.starts_with("Log in before "), "{state}");
        visit("keep-tokens-log-in-before").await
    }

    /// Opens every `<details>`, even those of which only one is open at a time.
    async fn open_details(&self) -> WebDriverResult<()> {
        let open = "for (const details of document.querySelectorAll('details')) {\
             details.removeAttribute('name'); details.open = true; }";
        self.driver().execute(open, Vec::new()).await.map(drop)
    }
}

/// The fault by which VideoAsk no longer accepts the refresh token.
#[must_use]
pub fn refused_refresh() -> serde_json::Value {
    let error = "invalid_grant";
    let refused =
        json!({ "kind": "error", "status": 403, "error": error, "description": "Unknown or invalid refresh token." });
    json!({ "planned": { "token": [refused] } })
}
