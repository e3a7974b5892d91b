//! Pictures of every page, to look at: `cargo run -p browser --example screenshots -- FOLDER [PART-OF-A-NAME]`.

use std::path::{Path, PathBuf};

use browser::{Browser, for_every_page};
use serde_json::json;
use thirtyfour::error::WebDriverResult;

const WIDE: Screen = Screen { name: "wide", width: 1280, height: 800 };
const PHONE: Screen = Screen { name: "phone", width: 360, height: 740 };

/// How a user has set up the system: its name, and media features.
type Look = (&'static str, &'static [(&'static str, &'static str)]);

const LIGHT: Look = ("light", &[("prefers-color-scheme", "light")]);
const DARK: Look = ("dark", &[("prefers-color-scheme", "dark")]);
const CONTRAST: Look = ("contrast", &[("prefers-color-scheme", "light"), ("prefers-contrast", "more")]);
const FORCED: Look = ("forced", &[("prefers-color-scheme", "dark"), ("forced-colors", "active")]);

const PICTURES: [(Screen, Look); 6] =
    [(WIDE, LIGHT), (WIDE, DARK), (PHONE, LIGHT), (PHONE, DARK), (WIDE, CONTRAST), (WIDE, FORCED)];

#[derive(Clone, Copy)]
struct Screen {
    name: &'static str,
    width: u32,
    height: u32,
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("name a folder for the pictures"));
    let part = arguments.next().unwrap_or_default();
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for_every_page(
        async |browser, page| {
            if page.contains(&part) { take(browser, &folder, page).await } else { Ok(()) }
        },
    )
    .await;
}

/// Takes pictures of the whole page, on each screen and with each look.
async fn take(browser: &Browser, folder: &Path, name: &str) -> WebDriverResult<()> {
    for (screen, (look, features)) in PICTURES {
        browser.set_media_features(features).await?;
        let picture = browser.screenshot(screen.width, screen.height).await?;
        std::fs::write(folder.join(format!("{name}-{}-{look}.png", screen.name)), picture)?;
    }
    browser.set_media_features(&[]).await?;
    browser.cdp("Emulation.clearDeviceMetricsOverride", json!({})).await
}
