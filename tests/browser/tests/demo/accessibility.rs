//! axe-core, injected into a page.

use std::path::Path;

use browser::Browser;
use thirtyfour::error::WebDriverResult;

/// The file of axe-core that `npm ci` in `tests/browser` installs.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/axe-core/axe.min.js");

const WIDTHS: [u32; 3] = [1280, 360, 320];

/// One line for each violation, with the elements it is about.
const RUN: &str = r#"
    const done = arguments[0];
    const line = ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(node => node.html).join(" | ").slice(0, 600)}`;
    axe.run({ resultTypes: ["violations"] })
        .then(({ violations }) => done(violations.map(line)), error => done([`axe failed: ${error}`]));
"#;

/// The source of axe-core.
pub struct Axe(String);

impl Axe {
    pub fn load() -> Self {
        assert!(Path::new(AXE).exists(), "run `npm ci` in tests/browser first: it gets axe-core");
        Self(std::fs::read_to_string(AXE).expect("it is text"))
    }

    /// What it finds on the open page, in either colour scheme and at every width.
    pub async fn violations(&self, browser: &Browser) -> WebDriverResult<Vec<String>> {
        let mut found = Vec::new();
        browser.driver().execute(self.0.as_str(), Vec::new()).await?;
        for scheme in ["light", "dark"] {
            browser.set_color_scheme(scheme).await?;
            for width in WIDTHS {
                browser.set_screen(width, 800).await?;
                let lines: Vec<String> = browser.driver().execute_async(RUN, Vec::new()).await?.convert()?;
                found.extend(lines.into_iter().map(|line| format!("{scheme}, {width} px: {line}")));
            }
        }
        Ok(found)
    }
}
