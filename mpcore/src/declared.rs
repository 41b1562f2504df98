//! Properties and events on the page of an interface's trait.
//!
//! The trait of an interface has a method for each of them, so that they stand on its page and can be
//! linked to, `[`Laser::power`]`. Nothing implements these methods and nothing calls them: the child sets
//! and emits in its context, the controller reads the control and connects to signals. One that is
//! implemented or called all the same is a compile error that says so, by the names and notes below.

use std::fmt;
use std::marker::PhantomData;

/// Stands in an interface's trait for the value of a property: in the child it is set and read in the
/// context, `self.cx.power.set(..)` and `self.cx.power.get()`.
pub struct SetInContext<T>(PhantomData<fn() -> T>);

/// Stands in an interface's trait for an event: the child emits it in its context,
/// `self.cx.voltage.emit(..)`.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct EmittedInContext;

/// What no child is: the bound of the methods that an interface's trait has for its readers alone, one
/// for each property and event.
#[diagnostic::on_unimplemented(
    message = "a property or an event is no method of the child",
    label = "is in the context",
    note = "in the child: `self.cx.power.get()`, `self.cx.power.set(..)`, `self.cx.voltage.emit(..)`; in the \
            controller: `control.power()`, `control.signals().voltage.connect(..)`"
)]
pub trait DeclaredOnly: Sized {}

impl<T> Default for SetInContext<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T> fmt::Debug for SetInContext<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetInContext")
    }
}

/// The body of such a method, which never runs.
#[doc(hidden)]
pub fn declared<A, D: Default>(_: A) -> D {
    D::default()
}
