//! Size: of a page in bytes and in pixels, of its controls, and of its text.

use std::ops::Range;

use browser::Browser;
use thirtyfour::error::WebDriverResult;

const PHONE: u32 = 360;

/// Bytes of a page and of everything a browser loads for it, not compressed.
const WEIGHT: Range<u64> = 1000..40 * 1024;

const WEIGH: &str = r#"
    const entries = ["navigation", "resource"].flatMap(type => performance.getEntriesByType(type));
    return entries.reduce((sum, entry) => sum + entry.decodedBodySize, 0);
"#;

/// Elements that reach beyond the right edge of the screen, where the page scrolls sideways.
const TOO_WIDE: &str = r#"
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth) return [];
    const wide = element => element.getBoundingClientRect().right > page.clientWidth;
    return [...document.querySelectorAll("body *")].filter(wide).map(element => element.outerHTML.slice(0, 200));
"#;

/// Links and buttons that are smaller than 44 pixels. A link within a sentence may be smaller (WCAG 2.2, 2.5.8).
const SMALL_TARGETS: &str = r#"
    const small = element => {
        const { width, height } = element.getBoundingClientRect();
        const inSentence = element.matches("a") && getComputedStyle(element).display === "inline";
        return element.checkVisibility() && !inSentence && (width < 44 || height < 44);
    };
    return [...document.querySelectorAll("a, button, summary, label")].filter(small)
        .map(element => element.outerHTML.slice(0, 200));
"#;

/// Controls that are not wholly on the screen, and text that is cut off. Text for screen readers alone is left out, and
/// text that is cut by design: the dots in place of a token, and a long name, which the page has elsewhere in full.
const CUT_OFF: &str = r#"
    const shown = [...document.querySelectorAll("body *:not(.unseen, .unseen *, .mask, .who)")]
        .filter(element => element.checkVisibility());
    const offScreen = element => {
        const { left, right, width } = element.getBoundingClientRect();
        return element.matches("a, button, summary, label, input") && (width < 1 || left < 0 || right > innerWidth);
    };
    const cut = element => {
        const style = getComputedStyle(element);
        return style.overflowX === "hidden" && element.scrollWidth > element.clientWidth + 1
            || style.overflowY === "hidden" && element.scrollHeight > element.clientHeight + 1;
    };
    return shown.filter(element => offScreen(element) || cut(element)).map(element => element.outerHTML.slice(0, 200));
"#;

pub async fn weight(browser: &Browser) -> WebDriverResult<Option<String>> {
    let bytes: u64 = browser.driver().execute(WEIGH, Vec::new()).await?.convert()?;
    Ok((!WEIGHT.contains(&bytes)).then(|| format!("it weighs {bytes} bytes")))
}

pub async fn too_wide(browser: &Browser) -> WebDriverResult<Vec<String>> {
    let mut found = Vec::new();
    for width in [320, PHONE] {
        browser.set_screen(width, 800).await?;
        found.extend(elements(browser, TOO_WIDE, &format!("too wide for {width} px")).await?);
    }
    Ok(found)
}

pub async fn small_targets(browser: &Browser) -> WebDriverResult<Vec<String>> {
    browser.set_screen(PHONE, 800).await?;
    elements(browser, SMALL_TARGETS, "a target of less than 44 px").await
}

/// Elements that are too wide or cut off on a phone, at twice the text size.
pub async fn cut_off_in_large_text(browser: &Browser) -> WebDriverResult<Vec<String>> {
    browser.set_screen(PHONE, 800).await?;
    set_text_size(browser, "200%").await?;
    let mut found = elements(browser, TOO_WIDE, "too wide with large text").await?;
    found.extend(elements(browser, CUT_OFF, "cut off with large text").await?);
    set_text_size(browser, "").await?;
    Ok(found)
}

async fn set_text_size(browser: &Browser, size: &str) -> WebDriverResult<()> {
    let set = format!("document.documentElement.style.fontSize = '{size}';");
    browser.driver().execute(set, Vec::new()).await.map(drop)
}

async fn elements(browser: &Browser, script: &str, problem: &str) -> WebDriverResult<Vec<String>> {
    let found: Vec<String> = browser.driver().execute(script, Vec::new()).await?.convert()?;
    Ok(found.into_iter().map(|element| format!("{problem}: {element}")).collect())
}
