//! Lists of the API, page by page, and the ways in which a server can page badly.

use axum::{Json, http::Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{StandIn, faults::Deviation};

const LARGEST_PAGE: usize = 100;
const DEFAULT_PAGE: usize = 20;

/// The requested part of a list. As in Django's pagination, a value that is not a number counts as left out.
#[derive(Deserialize)]
pub(super) struct PageQuery {
    limit: Option<String>,
    offset: Option<String>,
    /// Present in the request for the empty page of [`Deviation::EmptyPage`].
    gap: Option<String>,
}

/// A page of `all`, with the deviations applied.
pub(super) fn page(standin: &StandIn, uri: &Uri, query: &PageQuery, all: &[Value]) -> Json<Value> {
    let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<usize>().ok());
    let limit = number(&query.limit).filter(|limit| *limit > 0).unwrap_or(DEFAULT_PAGE).min(LARGEST_PAGE);
    let asked = number(&query.offset).unwrap_or(0);
    let offset = if standin.has(Deviation::IgnoredOffset) { 0 } else { asked };
    let results = all.iter().skip(offset).take(limit).collect::<Vec<_>>();
    if standin.has(Deviation::BareLists) {
        return Json(json!(results));
    }

    let host = if standin.has(Deviation::ForeignNext) { "https://evil.example".to_owned() } else { standin.url("") };
    let at = |offset: usize, more: &str| format!("{host}{}?limit={limit}&offset={offset}{more}", uri.path());
    let end = asked.saturating_add(limit);
    let (has_next, leads_over_gap) = (end < all.len() || standin.has(Deviation::EndlessPages), asked == 0);
    let next = match () {
        () if query.gap.is_some() => Some(at(asked, "")),
        () if !has_next => None,
        () if standin.has(Deviation::EmptyPage) && leads_over_gap => Some(at(end, "&gap=1")),
        () if standin.has(Deviation::RepeatedNext) => Some(at(limit, "")),
        () => Some(at(end, "")),
    };
    Json(json!({
        "count": if standin.has(Deviation::ChangingCounts) { offset } else { all.len() },
        "next": next,
        "previous": (asked > 0).then(|| at(asked.saturating_sub(limit), "")),
        "results": if query.gap.is_some() { Vec::new() } else { results },
    }))
}
