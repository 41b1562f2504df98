//! The same crate in another version.

include!("../../first/src/twin.rs");
