//! What an interface must fulfil, beyond being readable: all mistakes are reported at once, each at
//! its own token. [`check`](mod@check) has the rules, [`claims`] those about names, [`payload`] those
//! about types of values.

pub(crate) mod check;
pub(crate) mod claims;
pub(crate) mod payload;
