//! Tests of an application: children that fail on purpose, and children that play a script.
//!
#![doc = include_str!("../../docs/testing.md")]

#[doc = include_str!("../../docs/faults.md")]
pub mod outcomes {}
mod script;

pub use self::script::verdict::ScriptFailure;
pub use self::script::{Arguments, Script, ScriptError};
pub use crate::wire::fault::{Fault, FaultPlan, Moment};
