//! What holds records: a connection's token set and identity, sealed, one row each.
//!
//! There is one record type and one sealing. The mode decides only the key a record lies under.

mod connection;
mod identity;
mod record;
mod token_set;

pub use self::{
    connection::ConnectionId,
    identity::{EmailProof, Identity},
    record::{Contents, Issuer, Record, RecordError},
    token_set::TokenSet,
};
