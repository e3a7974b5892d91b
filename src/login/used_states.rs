//! A bounded memory of login states that were used, so that a callback works once in this process.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use oauth2::CsrfToken;
use ring::digest;

use crate::login::pending::LIFETIME;

/// So many states are remembered at the most; 32 bytes each, twice.
const CAPACITY: usize = 10_000;

type Fingerprint = [u8; 32];

/// The states of the last ten minutes.
#[derive(Debug, Default)]
pub(crate) struct UsedStates(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    used: HashSet<Fingerprint>,
    order: VecDeque<(Duration, Fingerprint)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstUse {
    /// It was unused, and is marked as used now.
    Yes,
    No,
}

impl UsedStates {
    /// Marks `state` as used. `now` is monotonic time.
    pub(crate) fn mark(&self, state: &CsrfToken, now: Duration) -> FirstUse {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.forget_before(now.saturating_sub(LIFETIME));
        let fingerprint = fingerprint(state);
        if !memory.used.insert(fingerprint) {
            return FirstUse::No;
        }
        memory.order.push_back((now, fingerprint));
        FirstUse::Yes
    }

    /// Whether `state` is marked as used. Marks stay for ten minutes, or until the next one is made after that.
    pub(crate) fn contains(&self, state: &CsrfToken) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).used.contains(&fingerprint(state))
    }
}

impl Memory {
    fn forget_before(&mut self, time: Duration) {
        while let Some((marked, fingerprint)) = self.order.front() {
            if *marked >= time && self.order.len() < CAPACITY {
                break;
            }
            self.used.remove(fingerprint);
            self.order.pop_front();
        }
    }
}

fn fingerprint(state: &CsrfToken) -> Fingerprint {
    let digest = digest::digest(&digest::SHA256, state.secret().as_bytes());
    digest.as_ref().try_into().expect("a SHA-256 is 32 bytes long")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(number: usize) -> CsrfToken {
        CsrfToken::new(number.to_string())
    }

    #[test]
    fn a_state_is_used_once() {
        let states = UsedStates::default();
        assert_eq!(states.mark(&state(1), Duration::ZERO), FirstUse::Yes);
        assert_eq!(states.mark(&state(1), LIFETIME), FirstUse::No);
        assert_eq!(states.mark(&state(2), LIFETIME), FirstUse::Yes);
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_the_oldest() {
        let states = UsedStates::default();
        for number in 0..=CAPACITY {
            states.mark(&state(number), Duration::ZERO);
        }
        assert!(!states.contains(&state(0)));
        assert!(states.contains(&state(1)));
        assert_eq!(states.0.lock().unwrap().used.len(), CAPACITY);
    }

    #[test]
    fn a_state_is_forgotten_when_its_cookie_is_too_old_to_be_used() {
        let states = UsedStates::default();
        states.mark(&state(1), Duration::ZERO);
        states.mark(&state(2), LIFETIME + Duration::from_millis(1));
        assert!(!states.contains(&state(1)));
    }
}
