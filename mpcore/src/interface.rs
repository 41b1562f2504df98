//! The three traits that the macros implement. They connect an interface, its child and its
//! control.

use crate::child::context::ChildContext;
use crate::child::request::{Reply, Request};
use crate::controller::builder::Builder;
use crate::controller::core::{Core, WeakControl};
use crate::controller::process::{Process, StartError};
use crate::controller::wiring::Wiring;
use crate::wire::codec::Codec;
use crate::wire::interface::Description;

/// An interface: implemented by `#[mpcore::process]` for `dyn Laser`. Do not implement it by hand.
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

/// A struct that runs an interface in a child process: implemented by `#[derive(mpcore::Child)]`.
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

/// The controller's side of an interface: implemented by `#[mpcore::process]` for `LaserControl`.
///
/// It has the methods that every control has, for code that works with any interface. A
/// `LaserControl` also has them as inherent methods, so you need not import this trait to call them
/// there.
///
/// ```no_run
/// use mpcore::{Child, Control, Interface, StartError};
///
/// /// Starts any child that needs no config.
/// fn start<P>() -> Result<<P::Interface as Interface>::Control, StartError>
/// where
///     P: Child<Interface: Interface<Config = ()>>,
/// {
///     Control::spawn::<P>(())
/// }
///
/// /// One line of a process panel.
/// fn line<C: Control>(control: &C) -> String {
///     format!("{}: {}", control.process().name(), control.process().state())
/// }
/// # #[mpcore::process] trait Laser { fn fire(&mut self); }
/// # #[derive(mpcore::Child)] #[child(Laser)] struct LaserProcess {}
/// # impl Laser for LaserProcess { fn fire(&mut self) {} }
/// # fn f() -> Result<(), StartError> {
///
/// let laser: LaserControl = start::<LaserProcess>()?;
/// println!("{}", line(&laser));
/// # Ok(())
/// # }
/// ```
pub trait Control: Clone + Send + Sync + Sized + 'static {
    /// `dyn Laser`.
    type Interface: Interface<Control = Self> + ?Sized;
    /// `LaserSignals`.
    type Signals: Clone + Send + Sync + 'static;

    /// Returns a builder for everything that can be set before the start.
    #[must_use]
    fn builder() -> Builder<Self> {
        Builder::new()
    }

    /// Creates a control of the given child, which runs in its own process as soon as
    /// `process().start()` is called.
    ///
    /// # Errors Fails if the config cannot be encoded.
    fn new<P: Child<Interface = Self::Interface>>(
        config: Config<Self>,
    ) -> Result<Self, StartError> {
        Self::builder().child::<P>().config(config).build()
    }

    /// Creates a control of the given child and starts it, without waiting for the child.
    ///
    /// # Errors Fails if the config cannot be encoded or no process can be started.
    fn spawn<P: Child<Interface = Self::Interface>>(
        config: Config<Self>,
    ) -> Result<Self, StartError> {
        Self::builder().child::<P>().config(config).spawn()
    }

    /// Returns the signals to connect to.
    #[must_use]
    fn signals(&self) -> &Self::Signals {
        self.__signals_ref()
    }

    /// Returns the handle that controls the child's life cycle.
    #[must_use]
    fn process(&self) -> &Process {
        self.__core().process()
    }

    /// Returns a handle that does not keep the child running, for handlers of its own signals.
    #[must_use]
    fn downgrade(&self) -> WeakControl<Self> {
        WeakControl::new(self)
    }

    #[doc(hidden)]
    fn __signals(wiring: &mut Wiring) -> Self::Signals;
    #[doc(hidden)]
    fn __new(core: Core, signals: Self::Signals) -> Self;
    #[doc(hidden)]
    fn __core(&self) -> &Core;
    #[doc(hidden)]
    fn __signals_ref(&self) -> &Self::Signals;
}

/// The config of a control's interface.
type Config<C> = <<C as Control>::Interface as Interface>::Config;
