//! The controller's side of a call: stub → pending table → requests lane, and events lane → pending
//! table, mirror and inbox → handlers.
//!
//! The rooms are floors; nothing imports upward. Lowest first:
//!
//! * [`report`]: what users receive, plain data.
//! * [`model`]: decisions without threads. [`flow_control`]: credit and bounds.
//! * [`signals`]: signals, mirrors and the inbox in which signals wait.
//! * [`state`]: what the handles, calls and threads of one child share, and its locks.
//! * Everything else acts on that state: [`builder`], [`control`] and [`process`] are what users
//!   hold, [`calls`] is one command, [`run`] is one run of the child, [`delivery`] runs the
//!   handlers, [`wiring`] connects a control's signals to what arrives; [`start`], [`stopping`],
//!   [`finish`], [`shutdown`] and [`waits`] are the steps of the life cycle.
//!
//! The threads: callers submit calls; each run has a thread that launches the child and then reads the
//! events lane; the inbox's thread runs handlers; the watcher's thread reports ends and rings alarms. The
//! code in which several threads meet is in small files that `interleavings` takes apart:
//! [`ring`](signals::ring), [`mailbox`](signals::mailbox), [`allowance`](flow_control::allowance),
//! [`grant`](flow_control::grant).
//!
//! Imports from `child` only what does not depend on a child's types (`registry`, `assignment`,
//! `started_as`, `command_line`, `exit_code`), and the traits of `child::interface`.

pub(crate) mod builder;
pub(crate) mod calls;
pub(crate) mod control;
pub(crate) mod delivery;
pub(crate) mod finish;
pub(crate) mod flow_control;
pub(crate) mod model;
pub(crate) mod process;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod shutdown;
pub(crate) mod signals;
pub(crate) mod start;
pub(crate) mod state;
pub(crate) mod stopping;
pub(crate) mod waits;
pub(crate) mod wiring;
