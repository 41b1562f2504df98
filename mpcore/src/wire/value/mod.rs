//! A value as bytes: encoding, decoding, and what a type has shown of its structure.

pub(crate) mod buffer;
pub(crate) mod checked;
pub(crate) mod codec;
pub(crate) mod decoder;
pub(crate) mod described;
pub(crate) mod memory;
pub(crate) mod refusal;
pub(crate) mod reordered;
pub(crate) mod serializer;
pub(crate) mod structure;
pub(crate) mod tag;
