//! Of the controller's side.

pub(crate) mod flow_control;
pub(crate) mod model;
pub(crate) mod report;
pub(crate) mod signals;
