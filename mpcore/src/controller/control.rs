//! The handle that a generated control wraps: it counts the owners of one child.
//!
//! When the last [`Core`] is dropped, the child is stopped. Signals, calls and threads hold only
//! the [shared state](crate::controller::state), so they keep no child alive.
//!
//! [`Core`] also submits commands, whose small arguments it encodes, and reads properties.
//! [`WeakControl`] is a handle for handlers to capture, [`Control`] the trait with what every
//! control has.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

use crate::child::interface::{Child, Interface};
use crate::controller::builder::{ControlBuilder, encoded};
use crate::controller::calls::call::Call;
use crate::controller::process::Process;
use crate::controller::report::error::StartError;
use crate::controller::report::outcome::{CallError, OutcomeCodec};
use crate::controller::signals::inbox::InboxHandle;
use crate::controller::state::Shared;
use crate::controller::state::encoder::EncodeJob;
use crate::controller::wiring::Wiring;
use crate::limits::ENCODE_INLINE;
use crate::sync::lock;
use crate::wire::interface::description::{Command, PropertyDef};
use crate::wire::value::codec::{Args, EncodeError, Encoder};

/// The owner of one child: when it is dropped, the child is stopped.
pub(crate) struct Owner {
    process: Process,
    signals: Box<dyn Any + Send + Sync>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.process.release();
    }
}

/// The handle that a generated control wraps: one reference to the owner of a child.
#[derive(Clone)]
pub struct Core {
    owner: Arc<Owner>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.owner.process.fmt(f)
    }
}

impl Core {
    pub(crate) fn new<S: Send + Sync + 'static>(shared: Arc<Shared>, signals: S) -> Self {
        let owner = Owner { process: Process::new(shared), signals: Box::new(signals) };
        Self { owner: Arc::new(owner) }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.owner.process.shared()
    }

    /// Returns the child's life cycle.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.owner.process
    }

    /// Sets the config of the next run.
    ///
    /// # Errors
    /// Fails if the config could not be encoded; the previous config then stays. An error in a
    /// large config is reported only when a run is to get it.
    pub fn set_config<C: Control>(
        &self,
        config: <C::Interface as Interface>::Config,
    ) -> Result<(), EncodeError> {
        let config = encoded::<C>(config)?;
        *lock(&self.shared().config) = Some(config);
        Ok(())
    }

    /// Returns whether the handlers run in this inbox's thread.
    #[must_use]
    pub fn delivers_to(&self, inbox: &InboxHandle) -> bool {
        self.shared().options.inbox.is(inbox)
    }

    /// Submits a command; never blocks.
    pub fn call<A: Args, T, E>(&self, command: &'static Command<A, T, E>, args: A) -> Call<T, E> {
        let mut encoder = Encoder::new(ENCODE_INLINE.get());
        let shared = self.shared();
        let (call, waiting) = match args.encode(&command.args, &mut encoder) {
            Ok(()) => shared.submit(command.index, encoder.into_bytes()),
            // Large arguments move unencoded to the encoder thread.
            Err(EncodeError::TooLarge { .. }) => {
                let (call, waiting) = shared.submit_unencoded(command.index);
                shared.encode(EncodeJob { call, parts: args.defer(&command.args) });
                (call, waiting)
            }
            Err(error) => shared.refuse(command.index, error.to_string()),
        };
        let codec = OutcomeCodec { result: command.result, error: command.error };
        Call::new(call, command.index, waiting, codec, Arc::clone(shared))
    }

    /// Submits a command and waits for its outcome.
    ///
    /// # Errors
    /// Returns how the command ended, if it has no result.
    pub fn call_blocking<A: Args, T, E>(
        &self,
        command: &'static Command<A, T, E>,
        args: A,
    ) -> Result<T, CallError<E>> {
        self.call(command, args).wait()
    }

    /// Returns a property's last known value from its mirror, without a round trip.
    #[must_use]
    pub fn property<T>(&self, property: &'static PropertyDef<T>) -> T {
        let mirror = self.shared().mirrors.get(usize::from(property.index));
        let value = mirror.map(|mirror| property.codec.decode(&mirror.read().0));
        match value {
            Some(Ok(value)) => value,
            _ => (property.default)(),
        }
    }
}

/// A handle that does not keep the child alive, for handlers to capture.
pub struct WeakControl<C: Control> {
    owner: Weak<Owner>,
    _control: std::marker::PhantomData<fn() -> C>,
}

impl<C: Control> Clone for WeakControl<C> {
    fn clone(&self) -> Self {
        Self { owner: Weak::clone(&self.owner), _control: std::marker::PhantomData }
    }
}

impl<C: Control> fmt::Debug for WeakControl<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakControl")
    }
}

impl<C: Control> WeakControl<C> {
    /// Creates a weak handle of the same child.
    #[must_use]
    pub fn new(control: &C) -> Self {
        let owner = Arc::downgrade(&control.__core().owner);
        Self { owner, _control: std::marker::PhantomData }
    }

    /// Returns the control, if another handle still owns it.
    #[must_use]
    pub fn upgrade(&self) -> Option<C> {
        let owner = self.owner.upgrade()?;
        let signals = owner.signals.downcast_ref::<C::Signals>()?.clone();
        Some(C::__new(Core { owner }, signals))
    }
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
    fn builder() -> ControlBuilder<Self> {
        ControlBuilder::new()
    }

    /// Creates a control of the given child, which runs in its own process as soon as
    /// `process().start()` is called.
    ///
    /// # Errors
    /// Fails if the config cannot be encoded.
    fn new<P: Child<Interface = Self::Interface>>(
        config: Config<Self>,
    ) -> Result<Self, StartError> {
        Self::builder().child::<P>().config(config).build()
    }

    /// Creates a control of the given child and starts it, without waiting for the child.
    ///
    /// # Errors
    /// Fails if the config cannot be encoded or no process can be started.
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
