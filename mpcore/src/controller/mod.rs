//! The controller's side of a call: stub → pending table → requests lane, and events lane → pending
//! table, mirror and inbox → handlers.
//!
//! [`core`](mod@core) is what a generated control wraps, [`shared`] what its handles and threads hold in
//! common; [`builder`] makes it, [`process`] is its life cycle, [`call`] one submitted command,
//! [`signal`], [`inbox`] (a [`ring`] of [`mailbox`]es) and [`deliver`] the way back to the thread that runs
//! the handlers; [`relief`] has its threads where the user gives none. Each run of the child is one [`run`], on a thread of its own that reads the events
//! lane. [`watchdog`] acts when the child keeps us waiting. What follows a run's end stands in [`restart`]. Decisions
//! without threads stand in [`pending`], [`backlog`], [`repeat`], [`health`], [`escalation`] and in `wire`; what several threads touch stands in small files that
//! `tests/loom` takes apart: [`ring`], [`mailbox`], [`allowance`], [`grant`].
//!
//! Never imports `child`, but for the table of this binary's children and their way to run on a
//! thread.

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
