//! Credit and bounds.

#[path = "../../../../mpcore/src/controller/flow_control/allowance.rs"]
pub(crate) mod allowance;
#[path = "../../../../mpcore/src/controller/flow_control/bound.rs"]
pub(crate) mod bound;
#[path = "../../../../mpcore/src/controller/flow_control/grant.rs"]
pub(crate) mod grant;
