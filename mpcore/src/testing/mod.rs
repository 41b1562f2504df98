//! Tests of an application: children that fail on purpose, and children that play a script.
//!
#![doc = include_str!("../../docs/testing.md")]

#[doc = include_str!("../../docs/faults.md")]
pub mod outcomes {}
mod script;

pub use crate::controller::report::script_error::ScriptError;
pub use crate::testing::script::verdict::ScriptFailure;
pub use crate::testing::script::{Arguments, Script};
pub use crate::wire::messages::fault::{Fault, FaultPlan, Moment};
