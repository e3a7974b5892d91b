//! What holds for every page, in every state. One visit to each page serves all of these checks.

use browser::{Browser, for_every_page};
use thirtyfour::error::WebDriverResult;

use crate::{accessibility::Axe, layout, style_rules::StyleRules};

#[tokio::test]
async fn every_page_is_accessible_light_and_fits_every_screen() {
    let (axe, mut rules, mut problems) = (Axe::load(), StyleRules::default(), Vec::new());
    for_every_page(async |browser, page| {
        rules.note(browser).await?;
        let found = problems_of(browser, &axe).await?;
        problems.extend(found.into_iter().map(|problem| format!("{page}: {problem}")));
        Ok(())
    })
    .await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(rules.unused(), [] as [&str; 0], "rules of the stylesheets that no page uses");
}

async fn problems_of(browser: &Browser, axe: &Axe) -> WebDriverResult<Vec<String>> {
    let mut problems = browser.console_messages().await?;
    problems.extend(layout::weight(browser).await?);
    problems.extend(axe.violations(browser).await?);
    problems.extend(layout::too_wide(browser).await?);
    problems.extend(layout::small_targets(browser).await?);
    problems.extend(layout::cut_off_in_large_text(browser).await?);
    Ok(problems)
}
