//! The way past every page.

use serde_json::json;
use thirtyfour::error::WebDriverResult;

use crate::{Browser, KEEPING, on_stage};

/// Leads past every page of either mode, each mode before a demo of its own, and calls `visit` at each page with a name
/// for it.
pub async fn on_tour(mut visit: impl AsyncFnMut(&Browser, &str) -> WebDriverResult<()>) {
    on_stage(async |browser| browser.tour(async |page| visit(browser, page).await).await).await;
    KEEPING.play(async |browser| browser.tour_of_keep_mode(async |page| visit(browser, page).await).await).await;
}

impl Browser {
    async fn tour(&self, mut visit: impl AsyncFnMut(&str) -> WebDriverResult<()>) -> WebDriverResult<()> {
        self.tour_before_a_login(&mut visit).await?;
        self.tour_after_a_login(&mut visit).await?;
        self.tour_of_the_buttons(&mut visit).await?;
        self.tour_of_what_a_tenant_may_do(&mut visit).await
    }

    async fn tour_before_a_login(
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
            self.see(heading).await?;
            visit(name).await?;
        }
        self.open("/auth/videoask").await?;
        self.see("Log in").await?;
        visit("stand-in-login").await?;
        self.click("Deny").await?;
        self.see("VideoAsk did not grant access").await?;
        visit("denied").await
    }

    async fn tour_after_a_login(
        &self,
        visit: &mut impl AsyncFnMut(&str) -> WebDriverResult<()>,
    ) -> WebDriverResult<()> {
        self.log_in().await?;
        visit("tokens").await?;
        self.unfold().await?;
        visit("tokens-unfolded").await?;
        self.open("/").await?;
        visit("home-logged-in").await?;
        self.open("/tokens/forms").await?;
        self.see("Try it: list my forms").await?;
        visit("forms").await?;
        self.open("/tokens/forms?offset=1000").await?;
        visit("forms-beyond-the-last").await?;
        self.open("/nowhere").await?;
        visit("not-found-logged-in").await?;
        self.open("/tokens/forms?limit=many").await?;
        self.see("This link has an invalid parameter").await?;
        visit("invalid-link-logged-in").await
    }

    async fn tour_of_the_buttons(
        &self,
        visit: &mut impl AsyncFnMut(&str) -> WebDriverResult<()>,
    ) -> WebDriverResult<()> {
        self.open("/tokens").await?;
        self.click("Refresh now").await?;
        self.find(".feedback").await?;
        visit("tokens-refreshed").await?;
        self.pretend(json!({ "mishaps": { "token": [{ "kind": "status", "status": 500 }] } }));
        self.click("Refresh now").await?;
        self.see("The refresh failed for now").await?;
        visit("refresh-failed").await?;
        self.pretend(json!({}));
        self.click("Show my tokens").await?;
        self.find("#state").await?;
        visit("tokens-refresh-failed").await?;
        self.click("Revoke this connection").await?;
        self.find(".danger-zone button").await?.click().await?;
        self.control("Login on VideoAsk").await?;
        visit("home-revoked").await?;
        self.log_in().await?;
        self.click("Log out").await?;
        self.control("Login on VideoAsk").await?;
        visit("home-logged-out").await?;
        self.log_in().await
    }

    async fn tour_of_what_a_tenant_may_do(
        &self,
        visit: &mut impl AsyncFnMut(&str) -> WebDriverResult<()>,
    ) -> WebDriverResult<()> {
        self.click("Log out").await?;
        self.control("Login on VideoAsk").await?;
        self.pretend(json!({ "quirks": ["no_refresh_token", "opaque_access_token"] }));
        self.log_in().await?;
        visit("tokens-without-refresh-token").await?;
        self.pretend(json!({ "quirks": ["wrong_issuer"] }));
        self.open("/auth/videoask").await?;
        self.click("Approve").await?;
        self.see("The login could not be verified").await?;
        visit("not-proven").await?;
        self.pretend(json!({ "quirks": ["refuse_access_tokens"] }));
        self.open("/tokens/forms").await?;
        self.see("VideoAsk's API refused the access token").await?;
        visit("api-refused").await?;
        self.pretend(json!({}));
        Ok(())
    }

    /// What looks different where this app keeps the tokens.
    async fn tour_of_keep_mode(&self, mut visit: impl AsyncFnMut(&str) -> WebDriverResult<()>) -> WebDriverResult<()> {
        self.open("/").await?;
        visit("keep-home").await?;
        self.log_in().await?;
        visit("keep-tokens").await?;
        self.unfold().await?;
        visit("keep-tokens-unfolded").await?;
        let refused = json!({ "kind": "error", "status": 403, "error": "invalid_grant", "description": "Unknown or invalid refresh token." });
        self.pretend(json!({ "mishaps": { "token": [refused] } }));
        self.click("Refresh now").await?;
        self.see("The connection was lost").await?;
        visit("keep-refresh-refused").await?;
        self.pretend(json!({}));
        self.open("/tokens").await?;
        self.find(".status.bad").await?;
        visit("keep-tokens-dead").await?;
        self.click("Log out").await?;
        // Another page asked for too early would come in this one's way.
        self.control("Login on VideoAsk").await?;
        self.open("/auth/videoask?prompt=login").await?;
        self.find("input[value='eve@example.com']").await?.click().await?;
        self.click("Approve").await?;
        self.see("You are not on this app's list").await?;
        visit("keep-not-allowed").await
    }

    /// Opens whatever can be unfolded.
    async fn unfold(&self) -> WebDriverResult<()> {
        let unfold = "for (const details of document.querySelectorAll('details')) details.open = true;";
        self.driver().execute(unfold, Vec::new()).await.map(drop)
    }
}
