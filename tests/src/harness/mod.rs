//! How tests start programs, inspect processes, wait for events, and skip what a machine lacks.

pub mod controller_program;
pub mod journal;
mod own_process;
pub mod patience;
pub mod processes;
pub mod programs;
mod skipped;
pub mod surroundings;
pub mod terminal;
pub mod transport;

pub use own_process::in_own_process;
pub use skipped::{has_program, is_root, skip};
