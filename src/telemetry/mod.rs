//! Logs, and metrics for `/metrics`.
//!
//! No log line, at any level, contains a token, code, secret, cookie, API key, or the query of a request. Text from outside
//! passes through `excerpt`. No text from outside is in a metric, because labels are enums.
//!
//! * `init`, [`Verbosity`], `fatal_error` – logging
//! * `RequestId`, `in_request`, `in_current_request` – the request that a line of the log is about
//! * `excerpt`, `excerpt_without`, `chain`, `one_line`, `panic_cause` – what may be logged of text from
//!   outside, of errors and of panics
//! * `certificate_fix` – what to do about a refused TLS certificate
//! * `innermost` – the root cause of an error
//! * [`Metrics`] – what is counted and timed, and the page of all metrics
//! * `Stopwatch`, `Exchange` – time until they are dropped
//! * `label!`, `Family` – the values of a label, and an instrument for each

mod certificate;
mod excerpt;
mod exchange;
mod exposition;
mod family;
mod labels;
mod line;
mod log;
mod metrics;
mod request_id;
mod stopwatch;

pub(crate) use self::{
    certificate::certificate_fix,
    excerpt::{chain, excerpt, excerpt_without, innermost, one_line, panic_cause},
    exchange::Exchange,
    exposition::Exposition,
    family::{Family, Label, encode},
    labels::{Endpoint, ExchangeResult, Grant, LoginResult, ProblemType, ProviderRequest, Route, StatusClass, label},
    log::{fatal_error, init, set_format},
    request_id::{RequestId, RequestIds, current as current_request, in_current_request, in_request, in_request_sync},
    stopwatch::Stopwatch,
};
pub use self::{log::Verbosity, metrics::Metrics};
