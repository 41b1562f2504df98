//! Compares two values of a type, if the type can be compared: generated code calls this and never
//! requires `PartialEq`.
//!
//! [`ByValue`] and [`Never`] are found by method resolution, which prefers the first, because it
//! needs no reference. So generated code is one expression for every type.

use std::marker::PhantomData;

/// A proxy for a type.
#[derive(Debug)]
pub struct Same<T>(PhantomData<fn(T)>);

impl<T> Same<T> {
    /// For generated code: `Same::<T>::new().same(one, other)`.
    #[allow(clippy::new_without_default)]
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// For types with `PartialEq`.
pub trait ByValue<T> {
    /// Returns whether the two values are equal.
    fn same(self, one: &T, other: &T) -> bool;
}

impl<T: PartialEq> ByValue<T> for Same<T> {
    fn same(self, one: &T, other: &T) -> bool {
        one == other
    }
}

/// For all other types.
pub trait Never<T> {
    /// Returns `false`, because the values cannot be compared.
    fn same(&self, one: &T, other: &T) -> bool;
}

impl<T> Never<T> for Same<T> {
    fn same(&self, _: &T, _: &T) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::{ByValue as _, Never as _, Same};

    #[test]
    fn a_type_without_equality_is_never_the_same() {
        struct Opaque;
        assert!(Same::<u8>::new().same(&1, &1));
        assert!(!Same::<u8>::new().same(&1, &2));
        assert!(!Same::<Opaque>::new().same(&Opaque, &Opaque));
    }
}
