use std::time::Duration;

/// All waits of a command together are at most this long.
const LONGEST: Duration = Duration::from_secs(10 * 60);
const FIRST: Duration = Duration::from_secs(1);
const LAST: Duration = Duration::from_secs(60);

/// How long to wait where VideoAsk limits the rate of requests.
#[derive(Debug)]
pub(super) struct RateLimit {
    left: Duration,
    next: Duration,
}

impl RateLimit {
    pub(super) fn new() -> Self {
        Self { left: LONGEST, next: FIRST }
    }

    /// The wait before the request is sent again: what VideoAsk asks for, or twice as long as the last time. Nothing
    /// where that is more than is left.
    pub(super) fn wait(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let wait = asked.unwrap_or(self.next);
        self.next = (2 * self.next).min(LAST);
        self.left = self.left.checked_sub(wait)?;
        Some(wait)
    }

    pub(super) fn passed(&mut self) {
        self.next = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end_after_ten_minutes_in_all() {
        let mut limit = RateLimit::new();
        let waits: Vec<u64> = std::iter::from_fn(|| limit.wait(None)).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60]);

        let mut limit = RateLimit::new();
        assert_eq!(limit.wait(Some(LONGEST)), Some(LONGEST));
        assert_eq!(limit.wait(Some(FIRST)), None);
        assert_eq!(RateLimit::new().wait(Some(LONGEST + FIRST)), None);
    }
}
