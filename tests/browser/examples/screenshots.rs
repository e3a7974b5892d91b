//! Pictures of every page, to look at: `cargo run -p browser --example screenshots -- FOLDER`.

use std::path::PathBuf;

use browser::{Browser, for_every_page};
use serde_json::json;
use thirtyfour::error::WebDriverResult;

const SCREENS: [(&str, u32, u32); 2] = [("wide", 1280, 800), ("phone", 360, 740)];

#[tokio::main]
async fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("name a folder for the pictures"));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for_every_page(async |browser, page| take(browser, &folder, page).await).await;
}

/// Takes pictures of the whole page, on each screen and in either colour scheme.
async fn take(browser: &Browser, folder: &std::path::Path, name: &str) -> WebDriverResult<()> {
    for (screen, width, height) in SCREENS {
        for scheme in ["light", "dark"] {
            browser.set_color_scheme(scheme).await?;
            let picture = browser.screenshot(width, height).await?;
            std::fs::write(folder.join(format!("{name}-{screen}-{scheme}.png")), picture)?;
        }
    }
    browser.cdp("Emulation.clearDeviceMetricsOverride", json!({})).await
}
