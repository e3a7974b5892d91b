//! How long a user's logins last, as an earlier login that VideoAsk ended by age shows.

use serde::{Deserialize, Serialize};
use time::Duration;

/// A login that VideoAsk ended earlier than this was ended for another reason than its age.
const SHORTEST: Duration = Duration::DAY;
/// How long before VideoAsk refused it a refresh token has most likely worked: an access token works for a day.
const REFRESH_INTERVAL: Duration = Duration::DAY;

/// The age at which VideoAsk ended a login, which nobody sees happen: only that one refresh worked and a later one did
/// not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObservedLife {
    /// The age up to which it worked, in seconds.
    worked: i64,
    /// The age at which it was refused, in seconds.
    refused: i64,
}

impl ObservedLife {
    /// From the age of the last refresh that worked and of the first that was refused; nothing if the login was too
    /// young to have ended by age.
    pub(crate) fn new(worked: Duration, refused: Duration) -> Option<Self> {
        let worked = worked.max(refused - REFRESH_INTERVAL);
        (worked >= SHORTEST).then(|| Self { worked: worked.whole_seconds(), refused: refused.whole_seconds() })
    }

    pub(crate) fn worked(self) -> Duration {
        Duration::seconds(self.worked)
    }

    /// Whether a login that was refreshed at this age shows that logins last longer.
    pub(crate) fn is_disproved_at(self, age: Duration) -> bool {
        age > Duration::seconds(self.refused)
    }
}
