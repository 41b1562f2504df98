//! Properties and events on the page of an interface's trait.
//!
//! The trait of an interface has a method for each of them, so that they appear on its page and can
//! be linked to, `[`Laser::power`]`. These methods are never implemented or called: the child sets
//! and emits in its context; the controller reads the control and connects to signals. Implementing
//! or calling one is a compile error; the names and notes below explain it.

use std::fmt;
use std::marker::PhantomData;

/// Return type of a property's method in an interface's trait. The child sets and reads the
/// property in its context, with `self.cx.power.set(..)` and `self.cx.power.get()`.
pub struct SetInContext<T>(PhantomData<fn() -> T>);

/// Return type of an event's method in an interface's trait. The child emits the event in its
/// context, with `self.cx.voltage.emit(..)`.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct EmittedInContext;

/// A trait that no child implements. It is the bound of the methods that an interface's trait has
/// only for documentation, one for each property and event.
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

/// The body of such a method; it never runs.
#[doc(hidden)]
pub fn declared<A, D: Default>(_: A) -> D {
    D::default()
}
