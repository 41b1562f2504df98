//! One operating-system process: spawning it, watching it, ending it, how it ended, and reading its
//! output. (The ladder and the deadline of a child that is no process of this system are
//! [`watch`]'s, too.)
//!
//! This module knows nothing of commands or lanes. [`spawn`](mod@spawn) has the threads that
//! perform every spawn. [`watch`] has one thread that is notified of every end and climbs every
//! [`stop`] ladder. [`output`] has three threads that read the output of every child, where pipes
//! can be polled. Differences between systems are in [`sys`].

mod exit;
mod lines;
pub(crate) mod output;
pub(crate) mod pipes;
pub(crate) mod spawn;
mod start_deadline;
pub(crate) mod stop;
pub(crate) mod stream;
pub(crate) mod sys;
pub(crate) mod watch;

pub use exit::{ExitStatus, ProcessEnd, Unkillable};
