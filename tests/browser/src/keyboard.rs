//! Use of a page by the keyboard alone.

use thirtyfour::{Key, error::WebDriverResult};

use crate::Browser;

/// More presses of Tab than any page has stops.
const MOST_STOPS: usize = 60;

const FOCUS: &str = r#"
    const element = document.activeElement;
    const style = getComputedStyle(element);
    // Of a link that is broken into lines, the first.
    const { left, right, top, bottom } = element.getClientRects()[0];
    const inView = bottom > 0 && top < innerHeight;
    const atCenter = document.elementFromPoint((left + right) / 2, (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2);
    const text = element.getAttribute("aria-label") || element.innerText.trim() || element.value;
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return [(text ?? "").replace(/\s+/g, " "), ring, inView && element.contains(atCenter)];
"#;

/// The element that has the focus.
#[derive(Debug)]
pub struct Focus {
    /// Its label, text or value.
    pub name: String,
    /// Whether an outline shows that it has the focus.
    pub ring: bool,
    /// Whether it is on the screen, with nothing in front of it.
    pub in_view: bool,
}

impl Browser {
    /// Presses a key.
    pub async fn press(&self, key: Key) -> WebDriverResult<()> {
        self.driver().action_chain().send_keys(key).perform().await
    }

    /// The element that has the focus now.
    pub async fn focus(&self) -> WebDriverResult<Focus> {
        let (name, ring, in_view) = self.driver().execute(FOCUS, Vec::new()).await?.convert()?;
        Ok(Focus { name, ring, in_view })
    }

    /// Presses Tab until the element with this name has the focus, and returns the names of all stops up to it. Every
    /// stop must be seen to have the focus.
    pub async fn tab_to(&self, name: &str) -> WebDriverResult<Vec<String>> {
        let mut stops = Vec::new();
        while stops.len() < MOST_STOPS {
            self.press(Key::Tab).await?;
            let focus = self.focus().await?;
            assert!(focus.ring && focus.in_view, "after {stops:?}: {focus:?}");
            stops.push(focus.name);
            if stops.last().is_some_and(|last| last == name) {
                return Ok(stops);
            }
        }
        panic!("{name:?} is not among {stops:?}");
    }
}
