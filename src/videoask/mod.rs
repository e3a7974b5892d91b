//! videoask
