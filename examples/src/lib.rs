//! What the examples share: interfaces that several of them use, and the work behind them.

pub mod calculator;
pub mod demo_folder;
pub mod digest;
pub mod digest_process;
pub mod laser;
pub mod load_monitor;
pub mod stage;
