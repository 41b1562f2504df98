//! What a child knows before its types: how it was started, which child it is, and the limits that it sets itself.
//!
//! No user code runs here. The controller's side reads some of it too: the table of this binary's children
//! ([`registry`]), what a run is given ([`assignment`]), and how a process was started ([`started_as`]).

pub(crate) mod assignment;
pub(crate) mod command_line;
pub(crate) mod confine;
pub(crate) mod exit_code;
pub(crate) mod registry;
pub(crate) mod started_as;
pub(crate) mod stdio;
