//! The signals that ask the program to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Completes at SIGTERM, SIGINT (Ctrl-C) or SIGHUP.
///
/// # Panics
/// When the system lets no handler be set, which it does for these three.
pub(super) fn stop() -> impl Future<Output = ()> + Send + 'static {
    let [mut terminate, mut interrupt, mut hangup] =
        [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()]
            .map(|kind| signal(kind).expect("these signals may be handled"));
    async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
