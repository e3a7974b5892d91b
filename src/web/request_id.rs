//! Request ids: in the log, on error pages, and in the header `x-request-id`.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// 2^64 divided by the golden ratio. It is odd, so an id repeats only after all others, and consecutive ids differ in
/// nearly all their digits, which makes them easy to tell apart.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;

/// 16 hex digits, always generated here: an id from outside could forge log lines. It is not a secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId(u64);

/// Generates ids from a random start, so that two processes do not generate the same ones.
pub(crate) struct RequestIds(AtomicU64);

impl RequestIds {
    pub(crate) fn starting_at(random: u64) -> Self {
        Self(AtomicU64::new(random))
    }

    pub(crate) fn next(&self) -> RequestId {
        RequestId(self.0.fetch_add(STRIDE, Ordering::Relaxed))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
