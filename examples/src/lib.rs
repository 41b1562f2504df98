//! What the examples share: the interfaces that more than one of them uses, and the work they do.

pub mod calculator;
pub mod demo_folder;
pub mod digest;
pub mod digest_process;
pub mod laser;
pub mod load_monitor;
pub mod stage;
