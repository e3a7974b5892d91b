//! Request ids: in each line of the log, on error pages, and in the header `x-request-id`.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::http::HeaderValue;

/// 2^64 divided by the golden ratio. It is odd, so an id repeats only after all others, and consecutive ids differ in
/// nearly all their digits, which makes them easy to tell apart.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;

tokio::task_local! {
    /// The request that the task works for now.
    static CURRENT: Option<RequestId>;
}

/// 16 hex digits, always generated here: an id from outside could forge log lines. It is not a secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId([u8; 16]);

/// Generates ids from a random start, so that two processes do not generate the same ones.
pub(crate) struct RequestIds(AtomicU64);

impl RequestIds {
    pub(crate) fn starting_at(random: u64) -> Self {
        Self(AtomicU64::new(random))
    }

    pub(crate) fn next(&self) -> RequestId {
        RequestId::of(self.0.fetch_add(STRIDE, Ordering::Relaxed))
    }
}

impl RequestId {
    /// Written at once, since a request needs it several times: in a header, and in each line that it logs.
    fn of(number: u64) -> Self {
        let digit = |place: usize| b"0123456789abcdef"[(number >> (60 - 4 * place) & 0xf) as usize];
        Self(std::array::from_fn(digit))
    }
}

/// The request that this task works for, if any.
pub(crate) fn current() -> Option<RequestId> {
    CURRENT.try_with(|id| *id).ok().flatten()
}

/// Every line that `future` logs has this id. A span of tracing would do the same, but with the bookkeeping for any number
/// of nested spans, which takes a tenth of the instructions of a hand-out.
pub(crate) fn in_request<F: Future>(id: RequestId, future: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(Some(id), future)
}

/// The same for the task of a request that spawns another one.
pub(crate) fn in_current_request<F: Future>(future: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(current(), future)
}

/// The same for what needs no future.
pub(crate) fn in_request_sync<T>(id: RequestId, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(Some(id), work)
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl From<RequestId> for HeaderValue {
    /// # Panics
    /// Never: hex digits fit into a header.
    fn from(RequestId(digits): RequestId) -> Self {
        Self::from_bytes(&digits).expect("hex digits fit into a header")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_16_hex_digits() {
        for (number, digits) in [(0, "0000000000000000"), (0x0123_4567_89ab_cdef, "0123456789abcdef")] {
            assert_eq!(RequestId::of(number).to_string(), digits);
            assert_eq!(HeaderValue::from(RequestId::of(number)), digits);
        }
    }
}
