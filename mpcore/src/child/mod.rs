//! The child's side of a call: requests lane → decode → handler → outcome → events lane.
//!
//! [`init`](mod@init) detects whether this process is a child, and serves until it ends. [`serve`]
//! is one run: constructor, `postrun_init`, commands one at a time, `cleanup`, all on the main
//! thread. [`control`] is the second thread, which receives stop, cancel and credit while a command
//! runs. [`link`] is the state that the child's threads share, with [`cancels`] (which command
//! runs, and which must not) and [`deadlines`] (how long it may run). [`context`] and [`property`]
//! are the API for the user's code, on any thread. [`confine`] applies the child's limits, and
//! [`faults`] injects the faults that a test has planned.
//!
//! What a controller also needs to know about children is in modules that do not depend on a
//! child's types: [`registry`], [`assignment`], [`command_line`], [`started_as`] and [`exit_code`].
//!
//! Does not import `controller`, except that [`interface`] names the control in its signatures.

pub(crate) mod context;
pub(crate) mod control;
pub(crate) mod init;
pub(crate) mod interface;
pub(crate) mod link;
pub(crate) mod panic;
pub(crate) mod registration;
pub(crate) mod request;
pub(crate) mod serve;
pub(crate) mod startup;
