//! The user's tokens, read: attributes with their [`keys`], the trait or the struct ([`parse`]), the
//! conditions on methods, and the name of mpcore in the user's manifest. What is read becomes the
//! [`model`](crate::model); whether it makes sense is a matter of the [`rules`](crate::rules).

pub(crate) mod conditions;
pub(crate) mod keys;
pub(crate) mod manifest;
pub(crate) mod parse;
pub(crate) mod text;
pub(crate) mod timeout;
