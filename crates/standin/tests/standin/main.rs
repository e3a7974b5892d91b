//! The pretend VideoAsk is what every other test leans on, so it is tested first: over real TCP, by a client that
//! shares no code with it.

mod api;
mod authorize;
mod code;
mod faults;
mod keys;
mod quirks;
mod refresh;
mod tenant;
