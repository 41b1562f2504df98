//! One command, from the stub to its outcome.

pub(crate) mod call;
pub(crate) mod encode;
pub(crate) mod submit;
