//! The user's tokens, read: attributes with their [`keys`] and their [`timeout`]s, the trait
//! ([`parse`]), the [`conditions`] on methods, the name of mpcore in the user's [`manifest`], and
//! tokens as normalised [`text`]. What is read becomes the [`model`](crate::model); whether it
//! makes sense is a matter of the [`rules`](crate::rules).

pub(crate) mod conditions;
pub(crate) mod keys;
pub(crate) mod manifest;
pub(crate) mod parse;
pub(crate) mod text;
pub(crate) mod timeout;
