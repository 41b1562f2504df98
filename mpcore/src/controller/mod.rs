//! The controller's side of a call: stub → pending table → requests lane, and events lane → pending
//! table, mirror and inbox → handlers.
//!
//! [`core`](mod@core) is what a generated control wraps, [`shared`] what its handles and threads hold in
//! common; [`builder`] makes it, [`process`] is its life cycle, [`call`] one submitted command,
//! [`signal`], [`inbox`] and [`deliver`] the way back to the thread that runs the handlers. Each run of the child is one [`run`], on a thread of its own that reads the events
//! lane. Decisions without threads stand in [`pending`], [`backlog`] and in `wire`.
//!
//! Never imports `child`, but for the table of this binary's children and their way to run on a
//! thread.

mod backlog;
pub(crate) mod builder;
pub(crate) mod call;
pub(crate) mod control_lane;
pub(crate) mod core;
mod deliver;
mod encoder;
pub(crate) mod exit;
pub(crate) mod inbox;
pub(crate) mod mirror;
pub(crate) mod outcome;
pub(crate) mod pending;
pub(crate) mod process;
pub(crate) mod run;
pub(crate) mod shared;
pub(crate) mod shutdown;
pub(crate) mod signal;
pub(crate) mod traffic;
pub(crate) mod wiring;
