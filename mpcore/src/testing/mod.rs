//! Testing.

pub use crate::wire::fault::{Fault, FaultPlan, Moment};
