//! What a child knows before its types: how it was started ([`command_line`], [`started_as`]),
//! which child it is ([`registry`]), what a run is given ([`assignment`]), the limits that it sets
//! itself ([`confine`]), its standard streams ([`stdio`]) and its exit codes ([`exit_code`]).
//!
//! No user code runs here. The controller's side reads all of it but [`confine`] and [`stdio`],
//! because the same program may be controller and child.

pub(crate) mod assignment;
pub(crate) mod command_line;
pub(crate) mod confine;
pub(crate) mod exit_code;
pub(crate) mod registry;
pub(crate) mod started_as;
pub(crate) mod stdio;
