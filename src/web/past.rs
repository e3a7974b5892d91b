//! The past of a connection as lines of a page: what it went through, and what comes next.

use time::{Duration, OffsetDateTime};

use crate::vault::{Report, Rotation};

use super::tokens::timestamp;

/// Names and values for the page's list.
pub(super) fn lines(report: &Report, now: OffsetDateTime) -> Vec<(&'static str, String)> {
    let refreshed = match (report.refreshed_at, &report.refreshed_by) {
        (Some(at), Some(by)) => format!("{}, by {by}", timestamp(at)),
        _ => "not yet".to_owned(),
    };
    let rotation = match report.rotation {
        Rotation::Seen => "VideoAsk gives a new refresh token each time",
        Rotation::NotSeen => "VideoAsk keeps the refresh token",
        Rotation::Unknown => "not known before the first refresh",
    };
    let mut lines = vec![
        ("Logged in", format!("{} ({} ago)", timestamp(report.minted_at), days(now - report.minted_at))),
        ("Refreshed", refreshed),
        ("Refreshes", report.refreshes.to_string()),
        ("Rotation", rotation.to_owned()),
    ];
    lines.extend(report.next_refresh.map(|at| ("Next refresh", timestamp(at))));
    let lived = report.previous_lived.map(Duration::seconds);
    lines.extend(lived.map(|lived| ("The one before lived", days(lived))));
    lines.extend(report.log_in_before.map(|at| ("Log in again before", timestamp(at))));
    lines
}

fn days(time: Duration) -> String {
    match (time.whole_days(), time.whole_hours(), time.whole_minutes()) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, _) => format!("{hours} h"),
        (1, ..) => "1 day".to_owned(),
        (days, ..) => format!("{days} days"),
    }
}
