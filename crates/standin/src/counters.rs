use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::faults::Endpoint;

/// What the stand-in received and did since it started or was reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Requests by endpoint, those with a mishap included.
    pub requests: BTreeMap<Endpoint, u64>,
    /// Requests with a mishap.
    pub mishaps: u64,
    /// The query of the last `GET /authorize`, not decoded.
    pub last_authorize: Option<String>,
    /// How often "Approve" was pressed.
    pub approvals: u64,
    /// How often "Deny" was pressed.
    pub denials: u64,
    /// Code exchanges granted, whether or not the response arrived.
    pub code_exchanges: u64,
    /// Code exchanges refused.
    pub code_refusals: u64,
    /// Codes used a second time.
    pub codes_reused: u64,
    /// Refresh exchanges granted, whether or not the response arrived.
    pub refresh_exchanges: u64,
    /// Refresh exchanges refused.
    pub refresh_refusals: u64,
    /// Spent refresh tokens received by `/oauth/token`, within the leeway or not.
    pub spent_tokens_seen: u64,
    /// Those of them that were not within the leeway.
    pub reuse_detections: u64,
    /// Requests with a wrong client id or secret.
    pub client_refusals: u64,
    /// Refresh tokens revoked by `/oauth/revoke`.
    pub revokes: u64,
    /// Response bodies of `/streams` that have not ended.
    pub open_streams: u64,
    /// Bytes of request bodies that `/echo` has read.
    pub bytes_read: u64,
    /// Responses of the API by status, without those cut off.
    pub api_answers: BTreeMap<u16, u64>,
}

impl Counters {
    /// Requests to this endpoint; for [`Endpoint::Api`], to the whole API.
    #[must_use]
    pub fn requests_to(&self, endpoint: Endpoint) -> u64 {
        let of = |counted: Endpoint| counted == endpoint || (endpoint == Endpoint::Api && counted.is_api());
        self.requests.iter().filter(|(counted, _)| of(**counted)).map(|(_, count)| count).sum()
    }

    /// Exchanges granted, of codes and refresh tokens together.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.code_exchanges + self.refresh_exchanges
    }
}
