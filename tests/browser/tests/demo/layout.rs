//! What holds for every page alike.

use browser::on_tour;

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

#[tokio::test]
async fn the_browser_has_nothing_to_complain_of_on_any_page() {
    on_tour(async |browser, page| {
        assert_eq!(browser.complaints().await?, [] as [String; 0], "{page}");
        Ok(())
    })
    .await;
}
