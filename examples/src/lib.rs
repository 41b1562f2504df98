//! What the examples share: the interfaces that more than one of them uses, and the work they do.

pub mod digest;
pub mod digest_process;
pub mod laser;
pub mod stage;
