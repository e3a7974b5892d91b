//! Tests of the pretend VideoAsk, on which all other tests rely: over TCP, with a client that shares no code with it.

mod api;
mod authorize;
mod code;
mod deviations;
mod faults;
mod keys;
mod refresh;
mod tenant;
