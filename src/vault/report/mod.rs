//! What the pages, `status` and the machine API say about a connection. It contains no secret.

pub(crate) mod attention;
pub(crate) mod connection_report;
pub(crate) mod gauges;
pub(crate) mod health;
pub(crate) mod inventory;
pub(crate) mod list;
pub(crate) mod login_end;
#[cfg(test)]
mod lookup_agreement;
pub(crate) mod metrics;
pub(crate) mod obstacle;
pub(crate) mod record_state;
pub(crate) mod status;
pub(crate) mod user_index;
pub(crate) mod visible_record;
