//! The picture in the README: `cargo run -p browser --example readme_picture -- docs/images/tokens.png`.

use browser::on_stage;
use serde_json::json;

/// Ends between two cards, so that nothing looks cut off.
const SCREEN: (u32, u32) = (1280, 942);

#[tokio::main]
async fn main() {
    let path = std::env::args().nth(1).expect("name a file for the picture");
    on_stage(async |browser| {
        browser.log_in().await?;
        browser.screen(SCREEN.0, SCREEN.1).await?;
        browser.prefer("light").await?;
        browser.cdp("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await?;
        Ok(std::fs::write(&path, browser.driver().screenshot_as_png().await?)?)
    })
    .await;
}
