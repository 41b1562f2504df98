//! A crate with a child; a binary may contain two versions of it.

include!("twin.rs");
