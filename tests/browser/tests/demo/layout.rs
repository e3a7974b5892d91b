//! What holds for every page alike.

use browser::on_tour;
use thirtyfour::By;

#[tokio::test]
async fn no_page_scrolls_sideways_on_a_phone() {
    on_tour(async |browser, page| {
        for width in [320, 360] {
            assert_eq!(browser.overflow_at(width).await?, 0, "{page} is too wide for {width} px");
        }
        Ok(())
    })
    .await;
}

/// Elements that stand out to the right of the window, where it scrolls sideways.
const TOO_WIDE: &str = r#"
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth) return [];
    const wide = element => element.getBoundingClientRect().right > page.clientWidth;
    return [...document.querySelectorAll("body *")].filter(wide).map(element => element.outerHTML.slice(0, 200));
"#;

#[tokio::test]
async fn text_of_twice_the_size_fits_a_phone() {
    let mut cut_off = Vec::new();
    on_tour(async |browser, page| {
        let double = "document.documentElement.style.fontSize = '200%';";
        browser.driver().execute(double, Vec::new()).await?;
        browser.screen(360, 800).await?;
        let too_wide: Vec<String> = browser.driver().execute(TOO_WIDE, Vec::new()).await?.convert()?;
        cut_off.extend(too_wide.into_iter().map(|element| format!("{page}: {element}")));
        for control in browser.driver().find_all(By::Css(".secret summary, .secret .copy")).await? {
            let rect = control.rect().await?;
            let inside = rect.width >= 44.0 && rect.x >= 0.0 && rect.x + rect.width <= 360.0;
            if !inside && control.is_displayed().await? {
                cut_off.push(format!("{page}: a control of a token at {rect:?}"));
            }
        }
        Ok(())
    })
    .await;
    assert!(cut_off.is_empty(), "{}", cut_off.join("\n"));
}

/// Everything a browser loads for a page, not compressed.
#[tokio::test]
async fn no_page_weighs_more_than_40_kib() {
    on_tour(async |browser, page| {
        let weigh = "return performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))\
             .reduce((sum, entry) => sum + entry.decodedBodySize, 0);";
        let bytes: u64 = browser.driver().execute(weigh, Vec::new()).await?.convert()?;
        assert!((1000..40 * 1024).contains(&bytes), "{page} weighs {bytes} bytes");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_browser_has_nothing_to_complain_of_on_any_page() {
    on_tour(async |browser, page| {
        assert_eq!(browser.complaints().await?, [] as [String; 0], "{page}");
        Ok(())
    })
    .await;
}
