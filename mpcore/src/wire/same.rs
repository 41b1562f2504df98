//! Whether two values of a type are equal, where the type can tell: generated code asks, and never requires
//! `PartialEq`.
//!
//! [`ByValue`] and [`Never`] are found by method resolution, which prefers the first: it needs no reference. So
//! generated code is one expression for every type.

use std::marker::PhantomData;

/// Stands for a type.
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

/// Of a type with `PartialEq`.
pub trait ByValue<T> {
    /// Whether they are equal.
    fn same(self, one: &T, other: &T) -> bool;
}

impl<T: PartialEq> ByValue<T> for Same<T> {
    fn same(self, one: &T, other: &T) -> bool {
        one == other
    }
}

/// Of any other type.
pub trait Never<T> {
    /// `false`: nothing is known of them.
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
