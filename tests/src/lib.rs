//! What the tests share: the interfaces and children they run, how they inspect processes and wait
//! for events, the trials of the soak, a fuzzer, and the files of the repository.
//!
//! The tests are in `tests/`: those of the whole system in `tests/system/`, one topic per file. The
//! programs they start are in `src/bin/`.
#![forbid(unsafe_code)]

pub mod children;
pub mod fuzz;
pub mod harness;
pub mod repository;
pub mod soak;

pub use children::bench::{Bench, BenchConfig, BenchControl, BenchProcess, DivideError, InitFault};
pub use children::blob::Blob;
pub use children::mood::Mood;
pub use children::{bench, blob, confined, gauge, mood, neighbour, phoenix, talker, wary, worker};
pub use harness::journal::Journal;
pub use harness::patience::{LONG, block_on, outcome, until};
pub use harness::{
    controller_program, has_program, in_own_process, is_root, journal, patience, processes,
    programs, skip, surroundings, terminal, transport,
};
