//! What the whole-system tests share: the interfaces and children they run, and how they inspect
//! processes and wait for events.
//!
//! The tests are in `tests/system/`, one topic per file; the programs they start in `src/bin/`.
#![forbid(unsafe_code)]

pub mod bench;
pub mod blob;
pub mod confined;
pub mod controller_program;
pub mod fuzz;
pub mod gauge;
pub mod journal;
pub mod mood;
pub mod neighbour;
mod own_process;
pub mod patience;
pub mod phoenix;
pub mod processes;
pub mod programs;
pub mod repository;
mod scribble;
mod skipped;
pub mod soak;
pub mod surroundings;
pub mod talker;
pub mod terminal;
pub mod transport;
pub mod wary;
pub mod worker;

pub use bench::{Bench, BenchConfig, BenchControl, BenchProcess, DivideError, InitFault};
pub use blob::Blob;
pub use journal::Journal;
pub use mood::Mood;
pub use own_process::in_own_process;
pub use patience::{LONG, block_on, outcome, until};
pub use skipped::{has_program, is_root, skip};
