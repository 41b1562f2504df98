//! What the examples share.

pub mod digest;
