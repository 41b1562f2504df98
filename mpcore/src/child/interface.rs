//! The traits that the macros implement: they connect an interface to its child and its control.

use crate::child::context::ChildContext;
use crate::child::request::{Reply, Request};
use crate::child::startup::registry::Registration;
use crate::controller::control::Control;
use crate::wire::interface::description::Description;
use crate::wire::value::codec::Codec;

/// An interface, implemented by `#[mpcore::process]` for `dyn Laser`. Do not implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an interface",
    label = "is not an interface",
    note = "put `#[mpcore::process]` on the trait"
)]
pub trait Interface: 'static {
    /// `LaserContext`.
    type Context: Clone + Send + Sync + 'static;
    /// What the controller passes to the constructor.
    type Config: Send + 'static;
    /// `LaserControl`.
    type Control: Control<Interface = Self>;
    /// The trait's name.
    const NAME: &'static str;

    #[doc(hidden)]
    fn __config() -> &'static Codec<Self::Config>;
    #[doc(hidden)]
    fn __describe(description: &mut Description);
    #[doc(hidden)]
    fn __context(context: &ChildContext) -> Self::Context;
    #[doc(hidden)]
    fn __init(&mut self) -> crate::Result<()>;
    #[doc(hidden)]
    fn __cleanup(&mut self);
    #[doc(hidden)]
    fn __dispatch(&mut self, context: &Self::Context, request: Request<'_>) -> Reply;
}

/// A struct that runs an interface in a child process, implemented by `#[derive(mpcore::Child)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a child",
    label = "is not a child",
    note = "add `#[derive(mpcore::Child)]` and `#[child(TheInterface)]` to it"
)]
pub trait Child: Sized + 'static {
    /// `dyn Laser`.
    type Interface: Interface + ?Sized;

    /// Where the struct is defined: file, line and column.
    #[doc(hidden)]
    const __PLACE: &'static str;
    #[doc(hidden)]
    const __REGISTRATION: Registration;
    #[doc(hidden)]
    fn __construct(
        cx: <Self::Interface as Interface>::Context,
        config: <Self::Interface as Interface>::Config,
    ) -> crate::Result<Self>;
    #[doc(hidden)]
    fn __interface(&mut self) -> &mut Self::Interface;
}

/// Returns the interface's name.
pub(crate) fn name<P: Child>() -> &'static str {
    <P::Interface as Interface>::NAME
}
