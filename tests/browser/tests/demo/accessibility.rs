//! What axe-core finds on every page, on each screen and in either colour scheme.

use std::path::Path;

use browser::{Browser, Stage, on_tour};
use thirtyfour::error::WebDriverResult;

/// Where `npm ci` in `tests/browser` puts it.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/axe-core/axe.min.js");

const WIDTHS: [u32; 3] = [1280, 360, 320];

/// One line for each violation, with the elements it is about.
const RUN: &str = r#"
    const done = arguments[0];
    const line = ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(node => node.html).join(" | ").slice(0, 600)}`;
    axe.run().then(({ violations }) => done(violations.map(line)), error => done([`axe failed: ${error}`]));
"#;

fn axe() -> String {
    assert!(Path::new(AXE).exists(), "run `npm ci` in tests/browser first: it gets axe-core");
    std::fs::read_to_string(AXE).expect("it is text")
}

async fn violations(browser: &Browser, axe: &str) -> WebDriverResult<Vec<String>> {
    let mut found = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await?;
        browser.driver().execute(axe, Vec::new()).await?;
        for width in WIDTHS {
            browser.screen(width, 800).await?;
            let lines: Vec<String> = browser.driver().execute_async(RUN, Vec::new()).await?.convert()?;
            found.extend(lines.into_iter().map(|line| format!("{scheme}, {width} px: {line}")));
        }
    }
    Ok(found)
}

#[tokio::test]
async fn axe_finds_nothing_on_any_page() {
    let (axe, mut found) = (axe(), Vec::new());
    on_tour(async |browser, page| {
        found.extend(violations(browser, &axe).await?.into_iter().map(|line| format!("{page}, {line}")));
        Ok(())
    })
    .await;
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn axe_finds_nothing_where_the_token_has_expired() {
    let axe = axe();
    let expires_at_once = Stage { demo: &["--access-ttl", "1s"], ..Stage::default() };
    expires_at_once
        .play(async |browser| {
            browser.log_in().await?;
            browser.find(".status.bad").await?;
            let found = violations(browser, &axe).await?;
            assert!(found.is_empty(), "{}", found.join("\n"));
            Ok(())
        })
        .await;
}
