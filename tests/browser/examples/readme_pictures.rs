//! Takes the pictures of the README: `cargo run -p browser --example readme_pictures -- docs/images`.

use std::path::PathBuf;

use browser::with_demo;
use serde_json::json;

const WIDTH: u32 = 1280;

/// The height of a picture: it ends below the card of the refresh token, so that no card is cut.
const HEIGHT: &str =
    "return Math.round(document.querySelector('.card:has(#refresh-token)').getBoundingClientRect().bottom) + 10;";

#[tokio::main]
async fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("name the folder of the pictures"));
    with_demo(async |browser| {
        browser.log_in().await?;
        browser.set_screen(WIDTH, 800).await?;
        let height = browser.driver().execute(HEIGHT, Vec::new()).await?.convert()?;
        browser.set_screen(WIDTH, height).await?;
        browser.cdp("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await?;
        for (scheme, name) in [("light", "tokens.png"), ("dark", "tokens-dark.png")] {
            browser.set_color_scheme(scheme).await?;
            std::fs::write(folder.join(name), browser.driver().screenshot_as_png().await?)?;
        }
        Ok(())
    })
    .await;
}
