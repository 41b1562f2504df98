//! What users are told.

pub(crate) mod error;
pub(crate) mod escalation;
pub(crate) mod exit;
pub(crate) mod notifications;
pub(crate) mod outcome;
pub(crate) mod script_error;
