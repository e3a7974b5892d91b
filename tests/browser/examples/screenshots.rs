//! Pictures of every page, to look at: `cargo run -p browser --example screenshots -- FOLDER`.

use std::path::PathBuf;

use browser::{Browser, on_tour};
use serde_json::json;
use thirtyfour::error::WebDriverResult;

const SCREENS: [(&str, u32, u32); 2] = [("wide", 1280, 800), ("phone", 360, 740)];

#[tokio::main]
async fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("name a folder for the pictures"));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    on_tour(async |browser, page| take(browser, &folder, page).await).await;
}

/// The page as it stands, whole, on each screen and in either colour scheme.
async fn take(browser: &Browser, folder: &std::path::Path, name: &str) -> WebDriverResult<()> {
    for (screen, width, height) in SCREENS {
        for scheme in ["light", "dark"] {
            browser.prefer(scheme).await?;
            let picture = browser.picture(width, height).await?;
            std::fs::write(folder.join(format!("{name}-{screen}-{scheme}.png")), picture)?;
        }
    }
    browser.cdp("Emulation.clearDeviceMetricsOverride", json!({})).await
}
