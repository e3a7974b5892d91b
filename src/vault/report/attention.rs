//! Whether a connection needs a person.

use time::OffsetDateTime;

use crate::{
    store::records::State,
    vault::report::{login_end::Urgency, obstacle::Obstacle, status::Status},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Attention {
    None,
    /// Within 5 % of the login's life.
    Soon,
    /// Programs get no new token until a person has acted.
    Now,
}

impl Attention {
    /// Whether a connection needs a person at this time. That of a user who is not in `ALLOWED_USERS` never does: the
    /// operator decided that it is not used.
    pub(crate) fn of(status: &Status, now: OffsetDateTime) -> Self {
        match (status.obstacle, status.state) {
            (Some(Obstacle::NotAllowed), _) => Self::None,
            (Some(Obstacle::OtherClient), _) | (_, State::Dead | State::Blocked | State::Revoking) => Self::Now,
            (Some(Obstacle::NoRefreshToken), _) if status.expires_at <= now => Self::Now,
            (Some(Obstacle::NoRefreshToken) | None, State::Live | State::Pending | State::Tombstone) => {
                match status.login_end.map_or(Urgency::None, |end| end.urgency(now)) {
                    Urgency::Urgent => Self::Soon,
                    Urgency::None | Urgency::Soon => Self::None,
                }
            }
        }
    }
}
