//! `GET /metrics`, for Prometheus.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    api_key::Access,
    telemetry::Exposition,
    web::{
        api::{auth::Authenticated, problem::Problem, rights::permit},
        state::AppState,
    },
};

pub(super) fn router() -> Router<Arc<AppState>> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(
    State(app): State<Arc<AppState>>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    permit(&app, &caller, Access::Metrics, &[])?;
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let exposition = preferred(accepted.flat_map(|value| value.split(',')));
    let gauges = app.vault.gauges().await;
    let page = app.metrics.page(|registry| gauges.register(registry), exposition);
    Ok(([(header::CONTENT_TYPE, exposition.content_type()), (header::VARY, "accept")], page).into_response())
}

/// The format that is accepted with the higher quality (RFC 9110, 12.5.1); OpenMetrics where the two are equal.
fn preferred<'a>(ranges: impl Iterator<Item = &'a str>) -> Exposition {
    let ranges: Vec<Range> = ranges.filter_map(Range::parse).collect();
    let quality = |r#type, subtype| {
        let matching = ranges.iter().filter_map(|range| range.matches(r#type, subtype));
        matching.max().map_or(0, |(_, quality)| quality)
    };
    if quality("text", "plain") > quality("application", "openmetrics-text") {
        Exposition::Classic
    } else {
        Exposition::OpenMetrics
    }
}

/// A media range, such as `text/*;q=0.5`.
struct Range<'a> {
    r#type: &'a str,
    subtype: &'a str,
    /// In thousandths, which is as fine as it may be.
    quality: u16,
}

/// How closely a range names a type. The closest one counts, whatever the others say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    Anything,
    Type,
    Subtype,
}

impl<'a> Range<'a> {
    /// Nothing for what is no media range.
    fn parse(range: &'a str) -> Option<Self> {
        let mut parts = range.split(';').map(str::trim);
        let (r#type, subtype) = parts.next()?.split_once('/')?;
        let weight = parts.find_map(|part| part.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("q")));
        let quality = weight.map_or(Some(1.0), |(_, weight)| weight.parse().ok());
        let quality: f32 = quality.filter(|quality| (0.0..=1.0).contains(quality))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 1")]
        Some(Self { r#type, subtype, quality: (quality * 1000.0).round() as u16 })
    }

    fn matches(&self, r#type: &str, subtype: &str) -> Option<(Closeness, u16)> {
        let closeness = match (self.r#type, self.subtype) {
            ("*", "*") => Closeness::Anything,
            (own, "*") if own.eq_ignore_ascii_case(r#type) => Closeness::Type,
            (own, sub) if own.eq_ignore_ascii_case(r#type) && sub.eq_ignore_ascii_case(subtype) => Closeness::Subtype,
            _ => return None,
        };
        Some((closeness, self.quality))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chosen(accept: &str) -> Exposition {
        preferred(accept.split(','))
    }

    #[test]
    fn openmetrics_is_the_answer_unless_the_classic_text_is_preferred() {
        for accept in [
            "",
            "*/*",
            "application/openmetrics-text",
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text/plain, application/openmetrics-text",
            "text/plain;q=0.5, */*",
            "application/json",
            "text/plain;q=2",
            "nonsense",
        ] {
            assert_eq!(chosen(accept), Exposition::OpenMetrics, "{accept}");
        }
        for accept in [
            "text/plain",
            "Text/Plain; version=0.0.4",
            "text/*",
            "text/plain;version=0.0.4;q=1,*/*;q=0.1",
            "application/openmetrics-text;q=0.4, text/plain ; q=0.5",
            "application/openmetrics-text; Q=0, */*",
            "text/plain;q=0.002,application/openmetrics-text;q=0.001",
            "application/*;q=0.1, */*;q=0.2",
        ] {
            assert_eq!(chosen(accept), Exposition::Classic, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn no_accept_header_causes_a_panic(accept in "([a-z*/;=q0-9., ]|text/plain|q=){0,30}") {
            chosen(&accept);
        }
    }
}
