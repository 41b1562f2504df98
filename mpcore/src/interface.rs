//! The three traits that the macros implement: what ties an interface, its child and its control.

use crate::child::context::ChildContext;
use crate::child::request::{Reply, Request};
use crate::controller::core::Core;
use crate::controller::wiring::Wiring;
use crate::wire::codec::Codec;
use crate::wire::interface::Description;

/// An interface: implemented by `#[mpcore::process]` for `dyn Laser`. Not to be implemented by hand.
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

/// A struct that runs an interface in a child process: implemented by `#[derive(mpcore::Child)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a child",
    label = "is not a child",
    note = "add `#[derive(mpcore::Child)]` and `#[child(TheInterface)]` to it"
)]
pub trait Child: Sized + 'static {
    /// `dyn Laser`.
    type Interface: Interface + ?Sized;
    /// Names the child within its binary.
    const KEY: &'static str;

    #[doc(hidden)]
    fn __construct(
        cx: <Self::Interface as Interface>::Context,
        config: <Self::Interface as Interface>::Config,
    ) -> crate::Result<Self>;
    #[doc(hidden)]
    fn __interface(&mut self) -> &mut Self::Interface;
}

/// The interface's name.
pub(crate) fn name<P: Child>() -> &'static str {
    <P::Interface as Interface>::NAME
}

/// The controller's side of an interface: implemented by `#[mpcore::process]` for `LaserControl`.
pub trait Control: Clone + Send + Sync + Sized + 'static {
    /// `dyn Laser`.
    type Interface: Interface + ?Sized;
    /// `LaserSignals`.
    type Signals: Clone + Send + Sync + 'static;

    #[doc(hidden)]
    fn __signals(wiring: &mut Wiring) -> Self::Signals;
    #[doc(hidden)]
    fn __new(core: Core, signals: Self::Signals) -> Self;
    #[doc(hidden)]
    fn __core(&self) -> &Core;
    #[doc(hidden)]
    fn __signals_ref(&self) -> &Self::Signals;
}
