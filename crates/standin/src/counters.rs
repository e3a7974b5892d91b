use std::collections::BTreeMap;

use super::faults::Endpoint;

/// What the stand-in received and did since it started or the counters were reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests by endpoint, including those with a fault.
    pub requests: BTreeMap<Endpoint, u64>,
    /// Requests with a fault.
    pub planned: u64,
    /// The query of the last `GET /authorize`, not decoded.
    pub last_authorize: Option<String>,
    /// Code exchanges granted, whether or not the response arrived.
    pub code_exchanges: u64,
    /// Refresh exchanges granted, whether or not the response arrived.
    pub refresh_exchanges: u64,
    /// Refresh exchanges refused.
    pub refresh_refusals: u64,
    /// Spent refresh tokens received by `/oauth/token`, within the leeway or not.
    pub spent_tokens_seen: u64,
    /// Refresh tokens revoked by `/oauth/revoke`.
    pub revokes: u64,
    /// Response bodies of `/streams` that have not ended.
    pub open_streams: u64,
    /// Bytes of request bodies that `/echo` has read.
    pub bytes_read: u64,
    /// Responses of the API by status. A connection that was closed without a response does not count.
    pub api_answers: BTreeMap<u16, u64>,
}

impl Counters {
    /// Requests to this endpoint; for [`Endpoint::Api`], to the whole API.
    #[must_use]
    pub fn requests_to(&self, endpoint: Endpoint) -> u64 {
        let of = |counted: Endpoint| counted == endpoint || (endpoint == Endpoint::Api && counted.is_api());
        self.requests.iter().filter(|(counted, _)| of(**counted)).map(|(_, count)| count).sum()
    }
}
