//! Whether a connection needs a person.

use time::OffsetDateTime;

use crate::{
    store::records::State,
    vault::report::{
        login_end::Urgency,
        status::{Obstacle, Status},
    },
};

/// Whether a connection needs a person, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Attention {
    /// Not for a while.
    None,
    /// Within 5 % of the login's life.
    Soon,
    /// Programs get no new token until a person has acted.
    Now,
}

impl Status {
    /// Whether it needs a person at this time. The connection of a user who is not in `ALLOWED_USERS` never does: the
    /// operator decided that it is not used.
    pub(crate) fn attention(&self, now: OffsetDateTime) -> Attention {
        match (self.obstacle, self.state) {
            (Some(Obstacle::NotAllowed), _) => Attention::None,
            (Some(Obstacle::OtherClient), _) | (_, State::Dead | State::Blocked | State::Revoking) => Attention::Now,
            (Some(Obstacle::NoRefreshToken), _) if self.expires_at <= now => Attention::Now,
            (Some(Obstacle::NoRefreshToken) | None, State::Live | State::Pending | State::Tombstone) => {
                match self.login_end.map_or(Urgency::None, |end| end.urgency(now)) {
                    Urgency::Urgent => Attention::Soon,
                    Urgency::None | Urgency::Soon => Attention::None,
                }
            }
        }
    }
}
