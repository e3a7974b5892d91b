//! The history of a connection as lines of a page: what happened to it, and what comes next.

use time::{Duration, OffsetDateTime};

use crate::vault::{Report, Rotation};

use super::{
    moments::{ago, moment, span},
    page::Holder,
};

/// Names and values for the page's list.
pub(super) fn lines(report: &Report, holder: Holder, now: OffsetDateTime) -> Vec<(&'static str, String)> {
    let rotation = match report.rotation {
        Rotation::Seen => "on. Each refresh returns a new refresh token.",
        Rotation::NotSeen => "off. The refresh token stays the same.",
        Rotation::Unknown => "unknown until the first refresh",
    };
    let minted_at = report.minted_at;
    let mut lines = vec![("Logged in", format!("{} ({})", moment(minted_at, now), ago(now - minted_at)))];
    if report.has_refresh_token() {
        lines.push(("Last refresh", last_refresh(report, holder, now)));
        lines.push(("Rotation", rotation.to_owned()));
    }
    lines.extend(report.next_refresh.map(|at| ("Next refresh", moment(at, now))));
    let lived = report.previous_lived.map(Duration::seconds);
    lines.extend(lived.map(|lived| ("The previous connection lasted", span(lived))));
    lines.extend(report.log_in_before.map(|at| ("Log in again before", moment(at, now))));
    lines
}

/// Which process refreshed is of use only where several may.
fn last_refresh(report: &Report, holder: Holder, now: OffsetDateTime) -> String {
    let Some(at) = report.refreshed_at else { return "none yet".to_owned() };
    let by = match (holder, &report.refreshed_by) {
        (Holder::App, Some(process)) => format!(", by process {process}"),
        (Holder::App, None) | (Holder::Person, _) => String::new(),
    };
    let count = match report.refreshes {
        1 => "1 refresh".to_owned(),
        count => format!("{count} refreshes"),
    };
    format!("{}{by} ({count} so far)", moment(at, now))
}
