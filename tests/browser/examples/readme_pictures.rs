//! The pictures in the README: `cargo run -p browser --example readme_picture -- docs/images`.

use std::path::PathBuf;

use browser::with_demo;
use serde_json::json;

/// Ends between two cards, so that nothing looks cut off.
const SCREEN: (u32, u32) = (1280, 820);

#[tokio::main]
async fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("name the folder of the pictures"));
    with_demo(async |browser| {
        browser.log_in().await?;
        browser.set_screen(SCREEN.0, SCREEN.1).await?;
        browser.cdp("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await?;
        for (scheme, name) in [("light", "tokens.png"), ("dark", "tokens-dark.png")] {
            browser.set_color_scheme(scheme).await?;
            std::fs::write(folder.join(name), browser.driver().screenshot_as_png().await?)?;
        }
        Ok(())
    })
    .await;
}
