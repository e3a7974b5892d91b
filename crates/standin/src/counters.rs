use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::faults::Endpoint;

/// What the stand-in saw and did since it started or was reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Requests by endpoint, those befallen by a mishap included.
    pub requests: BTreeMap<Endpoint, u64>,
    /// Mishaps that happened.
    pub mishaps: u64,
    /// The last query of `GET /authorize`, as it came.
    pub last_authorize: Option<String>,
    /// "Approve" pressed.
    pub approvals: u64,
    /// "Deny" pressed.
    pub denials: u64,
    /// Code exchanges granted, whether or not the answer arrived.
    pub code_exchanges: u64,
    /// Code exchanges refused.
    pub code_refusals: u64,
    /// Codes that came a second time.
    pub codes_reused: u64,
    /// Refresh exchanges granted, whether or not the answer arrived.
    pub refresh_exchanges: u64,
    /// Refresh exchanges refused.
    pub refresh_refusals: u64,
    /// Spent refresh tokens that came to `/oauth/token`, forgiven or not.
    pub spent_tokens_seen: u64,
    /// Those of them that were not forgiven.
    pub reuse_detections: u64,
    /// Requests with a wrong client id or secret.
    pub client_refusals: u64,
    /// Refresh tokens revoked by `/oauth/revoke`.
    pub revokes: u64,
    /// Bodies of `/streams` that have not ended.
    pub open_streams: u64,
    /// Bytes of bodies that `/echo` has read.
    pub bytes_read: u64,
    /// Answers of the API by status; one that was cut off has none.
    pub api_answers: BTreeMap<u16, u64>,
}

impl Counters {
    /// Requests that came to this endpoint; of the whole API for [`Endpoint::Api`].
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
