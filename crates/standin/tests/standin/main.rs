//! Tests of the stand-in, on which other tests rely. They use TCP and a client that shares no code with it.

mod api;
mod authorize;
mod code;
mod deviations;
mod faults;
mod keys;
mod refresh;
mod tenant;
