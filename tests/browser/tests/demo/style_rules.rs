//! Which rules of the stylesheets are used.

use std::collections::BTreeMap;

use browser::Browser;
use thirtyfour::error::WebDriverResult;

/// Every selector of the open page's stylesheet, with the stylesheet's path, and whether it selects anything on this
/// page. States such as `:hover` and pseudo-elements are ignored: the rest of the selector counts.
const SELECTORS: &str = r#"
    const file = new URL(document.styleSheets[0].href).pathname;
    const transient = /::?(before|after|-webkit-details-marker|hover|focus-visible)/g;
    const selects = selector => document.querySelector(selector.replace(transient, "") || "*") !== null;
    const walk = rules => [...rules].flatMap(rule => {
        const selectors = rule.selectorText?.split(/,(?![^(]*\))/).map(selector => selector.trim()) ?? [];
        return [...selectors.map(selector => [`${file}: ${selector}`, selects(selector)]), ...walk(rule.cssRules ?? [])];
    });
    return walk(document.styleSheets[0].cssRules);
"#;

/// The end of a selector that selects something only where scripts are off: with scripts on, these elements are shown.
const WITHOUT_SCRIPTS: &str = "[hidden]";

#[derive(Default)]
pub struct StyleRules {
    /// By file and selector: whether any page uses it.
    used: BTreeMap<String, bool>,
}

impl StyleRules {
    /// Notes which rules the open page uses.
    pub async fn note(&mut self, browser: &Browser) -> WebDriverResult<()> {
        let selectors: Vec<(String, bool)> = browser.driver().execute(SELECTORS, Vec::new()).await?.convert()?;
        for (selector, selects) in selectors {
            *self.used.entry(selector).or_default() |= selects;
        }
        Ok(())
    }

    pub fn unused(&self) -> Vec<&str> {
        let unused = self.used.iter().filter(|(selector, used)| !**used && !selector.ends_with(WITHOUT_SCRIPTS));
        unused.map(|(selector, _)| selector.as_str()).collect()
    }
}
