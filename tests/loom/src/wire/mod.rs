//! Of what both sides share.

pub(crate) mod messages;
pub(crate) mod packets;
