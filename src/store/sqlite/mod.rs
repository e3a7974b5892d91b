//! Records and sessions in a SQLite file, or in memory.

mod api_keys;
mod backup;
mod batch;
mod columns;
mod failure;
mod file;
mod identity;
mod index;
mod listings;
mod maintenance;
mod notifications;
mod open;
mod records;
mod rows;
mod schema;
mod sessions;
mod store;
mod worker;

pub(super) use self::{
    backup::back_up,
    open::{inspect, open, open_memory},
};
