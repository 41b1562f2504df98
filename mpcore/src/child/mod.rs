//! The child's side of a call: requests lane → decode → handler → outcome → events lane.
//!
//! [`init`](mod@init) finds out whether this process is a child and serves until it ends; [`serve`]
//! is one run: constructor, `postrun_init`, commands one at a time on the main thread, `cleanup`.
//! [`link`] is what the child's threads share, with [`cancels`] of which command runs and which shall not and
//! [`deadlines`] of until when it may; [`context`] and [`property`] its face to the user's code, [`control`] the second thread,
//! which hears of stop, cancel and credit while a command runs; [`faults`] is what a test has planned to go
//! wrong.
//!
//! Never imports `controller`.

pub(crate) mod assignment;
mod cancels;
pub(crate) mod command_line;
mod confine;
pub(crate) mod context;
pub(crate) mod control;
mod deadlines;
pub(crate) mod exit_code;
mod faults;
pub(crate) mod init;
pub(crate) mod interface;
pub(crate) mod link;
pub(crate) mod panic;
pub(crate) mod property;
pub(crate) mod registration;
pub(crate) mod registry;
pub(crate) mod request;
pub(crate) mod serve;
pub(crate) mod started_as;
mod stdio;
mod undelivered;
