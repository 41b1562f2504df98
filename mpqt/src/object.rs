//! The inside of every object of `qobject!`: the control, the config, and the connections between
//! the control's signals and those of the object.
//!
//! All of it lives in the GUI thread. Queued emissions hold their object weakly, so a destroyed
//! object receives nothing more. The object owns its control: when it is destroyed, the child
//! stops. Calls and assignments in QML go through it to the control. [`Attached`] is an object that
//! Rust has made; [`Owner`] is what the object's `process` needs of it. The C++ side is in
//! `cpp/signals.cpp` and `cpp/javascript.cpp`.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};

use mpcore::{Control, ControlBuilder, Interface, Process, Signal, StartError};
use qmetaobject::{QMetaObject, QObject, QObjectPinned, QString, QVariant};

use crate::convert::{BadArgument, ConvertError};
use crate::javascript::{self, Kind};
use crate::process_object::MpqtProcess;
use crate::shown::Shown;
use crate::trace::event;
use crate::{delivery, records, waker};

/// The control of an object, and the program of its child. `qobject!` implements it.
pub trait Launch: Sized + 'static {
    /// `LaserControl`
    type Control: Control;

    #[doc(hidden)]
    fn __builder(builder: ControlBuilder<Self::Control>) -> Option<ControlBuilder<Self::Control>>;
}

/// The argument of the child's constructor.
pub type Config<T> = <<<T as Launch>::Control as Control>::Interface as Interface>::Config;

/// An object of `qobject!`.
pub trait ControlObject: QObject + Default + Launch {
    /// The struct's name.
    const NAME: &'static str;

    #[doc(hidden)]
    fn __core(&self) -> &Core<Self>;
    #[doc(hidden)]
    fn __process(&self) -> &RefCell<MpqtProcess>;
    #[doc(hidden)]
    fn __default_config() -> Result<Config<Self>, ConvertError>;
    #[doc(hidden)]
    fn __connect(link: &Link<Self>, control: &Self::Control);
    #[doc(hidden)]
    fn __config_changed(&self);
    /// The names of the signals that report how calls end.
    #[doc(hidden)]
    const CALL_SIGNALS: [&'static str; 2];
    #[doc(hidden)]
    fn __call_finished(&self, call: u64, name: QString);
    #[doc(hidden)]
    fn __call_failed(&self, call: u64, name: QString, error: QVariant);
    #[doc(hidden)]
    fn __exception_raised(&self, exception: QVariant);
}

/// The inside of an object.
pub struct Core<T: ControlObject> {
    inner: Rc<Inner<T>>,
}

struct Inner<T: ControlObject> {
    itself: Weak<Inner<T>>,
    /// Null before the C++ object exists and once the object is being dropped.
    object: Cell<*const T>,
    control: RefCell<Option<T::Control>>,
    /// Functions that disconnect.
    connections: RefCell<Vec<Box<dyn FnOnce()>>>,
    config: RefCell<QVariant>,
    /// Why there is no valid config to start the child with.
    config_error: RefCell<Option<NotStarted>>,
}

impl<T: ControlObject> fmt::Debug for Core<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Core({})", T::NAME)
    }
}

impl<T: ControlObject> Default for Core<T> {
    fn default() -> Self {
        Self {
            inner: Rc::new_cyclic(|itself| Inner {
                itself: itself.clone(),
                object: Cell::new(std::ptr::null()),
                control: RefCell::new(None),
                connections: RefCell::default(),
                config: RefCell::default(),
                config_error: RefCell::new(None),
            }),
        }
    }
}

impl<T: ControlObject> Drop for Core<T> {
    fn drop(&mut self) {
        self.inner.object.set(std::ptr::null());
        // Handlers are dropped here, and the child's control: both may access this object again.
        let connections = self.inner.connections.take();
        for disconnect in connections {
            disconnect();
        }
        // The last control stops the child, in the background.
        let control = self.inner.control.take();
        drop(control);
    }
}

impl<T: ControlObject> Core<T> {
    /// Returns the config as it was set.
    pub fn config(&self) -> QVariant {
        self.inner.config.borrow().clone()
    }

    /// Sets the config of the next start. A value of the wrong type is refused with a warning. A
    /// large config is encoded on a thread of its own; an error in it is reported as `failed` of
    /// the run.
    ///
    /// Here and in every write of a property errors are warnings, as in QML itself when a binding
    /// has the wrong type: no JavaScript is calling then, and a thrown error would surface in
    /// unrelated JavaScript that runs next.
    pub fn set_config(
        &self,
        object: &T,
        value: QVariant,
        decode: fn(QVariant) -> Result<Config<T>, ConvertError>,
    ) {
        let kept = value.clone();
        let config = guarded(|| decode(value).map_err(|error| error.to_string()));
        let set = config.and_then(|config| {
            let control = self.inner.control.borrow().clone();
            let Some(control) = control else { return Err(no_child::<T>()) };
            let core = control.__core();
            core.set_config::<T::Control>(config).map_err(|error| error.to_string())
        });
        match set {
            Ok(()) => {
                drop(self.inner.config.replace(kept));
                *self.inner.config_error.borrow_mut() = None;
                self.inner.emit_soon(T::__config_changed);
            }
            Err(why) => {
                let why = format!("{}: config: {why}", T::NAME);
                event!(WARN, "mpqt::object", in None, "config refused", object = T::NAME);
                javascript::warn_of(Some(object), &why);
                let warned = true;
                *self.inner.config_error.borrow_mut() = Some(NotStarted { why, warned });
            }
        }
    }

    /// Calls a command. Returns the number of the call, or 0 after throwing an error in JavaScript.
    pub fn submit(
        &self,
        object: &T,
        method: &str,
        call: impl FnOnce(&T::Control) -> Result<u64, BadArgument>,
    ) -> u64 {
        let control = self.inner.control.borrow().clone();
        let Some(control) = control else {
            refused_call::<T>(method);
            javascript::throw(object, Kind::Generic, &no_child::<T>());
            return 0;
        };
        match guarded(|| Ok(call(&control))) {
            Ok(Ok(call)) => call,
            Ok(Err(BadArgument { argument, error })) => {
                let why = format!("{}.{method}: argument `{argument}`: {error}", T::NAME);
                refused_call::<T>(method);
                javascript::throw(object, Kind::Type, &why);
                0
            }
            Err(why) => {
                refused_call::<T>(method);
                javascript::throw(object, Kind::Generic, &format!("{}.{method}: {why}", T::NAME));
                0
            }
        }
    }

    /// Asks the child to change a property.
    pub fn write(
        &self,
        object: &T,
        property: &str,
        write: impl FnOnce(&T::Control) -> Result<(), ConvertError>,
    ) {
        let control = self.inner.control.borrow().clone();
        let written = control
            .ok_or_else(no_child::<T>)
            .and_then(|control| guarded(|| write(&control).map_err(|error| error.to_string())));
        if let Err(why) = written {
            refused_write(T::NAME, property);
            javascript::warn_of(Some(object), &format!("{}.{property}: {why}", T::NAME));
        }
    }

    /// Warns about an assignment to a property that only the child sets.
    pub fn refuse_write(&self, object: &T, property: &str) {
        refused_write(T::NAME, property);
        let why = format!("{}.{property} is read-only: the child sets it", T::NAME);
        javascript::warn_of(Some(object), &why);
    }
}

/// Traces a call from QML that throws. The message may contain the argument.
fn refused_call<T: ControlObject>(method: &str) {
    event!(
        WARN, "mpqt::object", in None, "call refused",
        object = T::NAME, method = method.to_owned(),
    );
}

/// Traces an assignment in QML that has no effect.
pub(crate) fn refused_write(object: &'static str, property: &str) {
    event!(
        WARN, "mpqt::object", in None, "assignment refused",
        object = object, property = property.to_owned(),
    );
}

/// Returns the error of an object that neither has a program nor is attached.
fn no_child<T: ControlObject>() -> String {
    format!(
        "{} has no child: write `child = ..` or `program = ..` in its `qobject!`, or attach a control",
        T::NAME
    )
}

/// Runs code that may call the user's: no panic may unwind into C++.
fn guarded<R>(code: impl FnOnce() -> Result<R, String>) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(code))
        .unwrap_or_else(|_| Err("a conversion panicked, see stderr".to_owned()))
}

impl<T: ControlObject> Inner<T> {
    /// Queues a signal of the object, which is emitted unless the object is gone by then. It is not
    /// emitted immediately, because a handler may destroy the object while the caller still uses
    /// it.
    fn emit_soon(&self, emit: impl FnOnce(&T) + 'static) {
        delivery::emit_soon(emission(self.itself.clone(), emit));
    }
}

/// Returns a function that tells whether the signal of this name has a listener.
fn listened_to<T: QObject>(name: &str) -> impl Fn(&T) -> bool + 'static {
    // SAFETY: a static meta-object, and a text of that length.
    let index =
        unsafe { mpqt_signal_index(T::static_meta_object(), name.as_ptr().cast(), name.len()) };
    // SAFETY: a live object of that class, in its thread. An unknown name counts as listened to.
    move |object| index < 0 || unsafe { mpqt_is_listened_to(object.get_cpp_object(), index) }
}

/// Returns an emission that does nothing once the object is gone.
fn emission<T: ControlObject>(
    link: Weak<Inner<T>>,
    emit: impl FnOnce(&T) + 'static,
) -> delivery::Emission {
    Box::new(move || {
        let Some(inner) = link.upgrade() else { return };
        // SAFETY: not null, so the object has been constructed, in this thread, and has not been
        // dropped; it does not move.
        if let Some(object) = unsafe { inner.object.get().as_ref() } {
            emit(object);
        }
    })
}

/// Connects signals of a control to an object, which it holds weakly.
pub struct Link<T: ControlObject> {
    inner: Weak<Inner<T>>,
}

impl<T: ControlObject> fmt::Debug for Link<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", T::NAME)
    }
}

impl<T: ControlObject> Link<T> {
    /// Emits the object's signal `name` whenever `signal` is delivered. If the signal has a
    /// listener, `convert` turns the arguments into Qt's values; the closure that it returns emits
    /// them later, unless the object is gone by then.
    pub fn connect<S: 'static, E: FnOnce(&T) + 'static>(
        &self,
        signal: &Signal<S>,
        name: &str,
        convert: impl Fn(&S) -> E + 'static,
    ) {
        self.connect_if(signal, listened_to::<T>(name), convert);
    }

    /// Makes the object show the property of `signal`: first its current value, then each value
    /// that is delivered, set just before `notify` emits it. `convert` turns a value into the value
    /// to show and the value to emit.
    pub fn connect_property<V: 'static, Q: Clone + 'static, N: 'static>(
        &self,
        signal: &Signal<(V,)>,
        shown: fn(&T) -> &Shown<Q>,
        convert: impl Fn(&V) -> (Q, N) + 'static,
        notify: fn(&T, N),
    ) {
        let current = || {
            Ok(signal.__current(|(value,)| {
                let (value, _) = convert(value);
                let inner = self.inner.upgrade();
                // SAFETY: as in `emission`.
                let object =
                    inner.as_ref().and_then(|inner| unsafe { inner.object.get().as_ref() });
                if let Some(object) = object {
                    shown(object).set(value);
                }
            }))
        };
        // No panic of the user's code may unwind from here: it decodes the value and converts it.
        let version = guarded(current).unwrap_or_default();
        let convert = move |(value,): &(V,)| {
            let (value, told) = convert(value);
            move |object: &T| {
                shown(object).set(value);
                notify(object, told);
            }
        };
        // Even without a listener: the property may be read.
        self.connect_since(signal, version, |_| true, convert);
    }

    /// Like [`connect`](Self::connect), where `is_wanted` tells whether there is a listener.
    pub(crate) fn connect_if<S: 'static, E: FnOnce(&T) + 'static>(
        &self,
        signal: &Signal<S>,
        is_wanted: impl Fn(&T) -> bool + 'static,
        convert: impl Fn(&S) -> E + 'static,
    ) {
        self.connect_since(signal, 0, is_wanted, convert);
    }

    /// Like [`connect_if`](Self::connect_if), for a property that shows this version already.
    fn connect_since<S: 'static, E: FnOnce(&T) + 'static>(
        &self,
        signal: &Signal<S>,
        version: u64,
        is_wanted: impl Fn(&T) -> bool + 'static,
        convert: impl Fn(&S) -> E + 'static,
    ) {
        let link = self.inner.clone();
        let handler = move |args: &S| {
            let Some(inner) = link.upgrade() else { return };
            // SAFETY: as in `emission`.
            let wanted = unsafe { inner.object.get().as_ref() }.is_some_and(&is_wanted);
            if wanted {
                delivery::enqueue(emission(link.clone(), convert(args)));
            }
        };
        let connection = delivery::connect(signal, version, handler);
        if let (Some(inner), Some(connection)) = (self.inner.upgrade(), connection) {
            let signal = signal.clone();
            let disconnect = move || {
                signal.disconnect(connection);
            };
            inner.connections.borrow_mut().push(Box::new(disconnect));
        }
    }
}

/// Makes the control, if the object has a child of its own. Called when the C++ object exists.
pub fn constructed<T: ControlObject>(object: &T) {
    // SAFETY: the object does not move any more, and this is called once.
    unsafe { tie(object) };
    let inner = &object.__core().inner;
    let builder = ControlBuilder::new().inbox(delivery::inbox());
    let Some(builder) = T::__builder(builder) else { return };
    if !delivery::is_here() {
        event!(WARN, "mpqt::object", in None, "created on another thread", object = T::NAME);
        let why = format!(
            "{} is created in a thread other than the one that first called `mpqt::inbox()`: \
             it receives no signals from its child",
            T::NAME
        );
        javascript::warn_of(Some(object), &why);
    }
    match builder.__build_without_config() {
        Ok(control) => {
            // Some configs need no value: `()`, an option, a struct of defaults.
            let config = guarded(|| T::__default_config().map_err(|error| error.to_string()));
            let set = config.and_then(|config| {
                control.__core().set_config::<T::Control>(config).map_err(|it| it.to_string())
            });
            *inner.config_error.borrow_mut() =
                set.err().map(|why| NotStarted::from(format!("{}: config: {why}", T::NAME)));
            adopt(object, control);
        }
        Err(error) => {
            event!(
                WARN, "mpqt::object", in None, "no control",
                object = T::NAME, why = error.to_string(),
            );
            javascript::warn_of(Some(object), &error.to_string());
        }
    }
}

/// Connects an object that has its C++ half with its inside.
///
/// # Safety
/// The object does not move any more, and this function was not called for it before.
unsafe fn tie<T: ControlObject>(object: &T) {
    waker::open();
    let inner = &object.__core().inner;
    inner.object.set(object);
    let owner: Rc<dyn Owner> = Rc::clone(inner) as Rc<dyn Owner>;
    // SAFETY: part of the object, so by this function's contract.
    unsafe { MpqtProcess::constructed(object.__process(), Rc::downgrade(&owner)) };
}

/// Starts the child, unless `autostart` is off. Called when QML has set all properties.
pub fn completed<T: ControlObject>(object: &T) {
    if object.__core().inner.control.borrow().is_some() {
        MpqtProcess::autostart(object.__process());
    }
}

/// Returns the control of an object.
pub fn control<T: ControlObject>(object: &T) -> Option<T::Control> {
    object.__core().inner.control.borrow().clone()
}

/// Takes a control and connects everything.
fn adopt<T: ControlObject>(object: &T, control: T::Control) {
    let inner = &object.__core().inner;
    let link = Link { inner: Rc::downgrade(inner) };
    T::__connect(&link, &control);
    let process = control.__core().process();
    let signals = process.signals();
    let [finished, failed] = T::CALL_SIGNALS.map(listened_to::<T>);
    link.connect_if(
        &signals.call_ended,
        move |object| finished(object) || failed(object),
        |(end,)| {
            let (call, name) = (end.call.get(), records::text(end.command));
            let error = end.result.as_ref().err().map(records::call_error);
            move |object: &T| match error {
                None => object.__call_finished(call, name),
                Some(error) => object.__call_failed(call, name, error),
            }
        },
    );
    MpqtProcess::shared(object.__process()).show(process);
    MpqtProcess::connect(&link, signals, T::__process);
    drop(inner.control.replace(Some(control)));
}

/// Why a child was not started.
#[derive(Debug, Clone)]
pub(crate) struct NotStarted {
    pub(crate) why: String,
    /// A warning has reported it already, when the config was set.
    pub(crate) warned: bool,
}

impl From<String> for NotStarted {
    fn from(why: String) -> Self {
        Self { why, warned: false }
    }
}

/// The operations of an object that its `process` needs.
pub(crate) trait Owner {
    /// Starts the child.
    fn start(&self, start: fn(&Process) -> Result<(), StartError>) -> Result<(), NotStarted>;
    /// Calls `look` with the child's life, if there is a child.
    fn process(&self, look: &mut dyn FnMut(&Process));
    /// Queues a signal of the child's life.
    fn emit_soon(&self, emit: Box<dyn FnOnce(&MpqtProcess)>);
    /// Queues `exception_raised`, which reports every failure.
    fn raise_soon(&self, exception: QVariant);
}

impl<T: ControlObject> Owner for Inner<T> {
    fn start(&self, start: fn(&Process) -> Result<(), StartError>) -> Result<(), NotStarted> {
        // First, since a warning may have reported it.
        if let Some(why) = self.config_error.borrow().clone() {
            return Err(why);
        }
        let control = self.control.borrow().clone();
        let control = control.ok_or_else(|| NotStarted::from(no_child::<T>()))?;
        start(control.__core().process()).map_err(|error| format!("{}: {error}", T::NAME).into())
    }

    fn process(&self, look: &mut dyn FnMut(&Process)) {
        let control = self.control.borrow().clone();
        if let Some(control) = control {
            look(control.__core().process());
        }
    }

    fn emit_soon(&self, emit: Box<dyn FnOnce(&MpqtProcess)>) {
        self.emit_soon(move |object| emit(MpqtProcess::shared(object.__process())));
    }

    fn raise_soon(&self, exception: QVariant) {
        self.emit_soon(move |object| object.__exception_raised(exception));
    }
}

/// Why a control cannot be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// Its signals are delivered to another inbox.
    #[error(
        "the control delivers its signals to another thread: build it with `.inbox(mpqt::inbox())`"
    )]
    OtherInbox,
    /// This is not the GUI thread.
    #[error("objects must be created in the GUI thread, and this is another thread")]
    OtherThread,
}

/// An object that Rust has made for an existing control. It can be passed to QML
/// ([`Application::object`](crate::Application::object)), and lives as long as this value.
pub struct Attached<T: ControlObject> {
    object: Box<RefCell<T>>,
}

impl<T: ControlObject> fmt::Debug for Attached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attached({})", T::NAME)
    }
}

impl<T: ControlObject> Attached<T> {
    #[doc(hidden)]
    pub fn new(control: T::Control) -> Result<Self, AttachError> {
        if !delivery::is_here() {
            return Err(AttachError::OtherThread);
        }
        if !control.__core().delivers_to(&delivery::inbox()) {
            return Err(AttachError::OtherInbox);
        }
        let object = Box::new(RefCell::new(T::default()));
        // SAFETY: the object stays in its box until it is dropped, in this thread.
        unsafe {
            mpqt_keep(T::cpp_construct(&object));
            let object = &*object.as_ptr();
            tie(object);
            adopt(object, control);
        }
        Ok(Self { object })
    }

    /// Returns the object.
    #[must_use]
    pub fn object(&self) -> &T {
        // SAFETY: alive, and only ever borrowed shared.
        unsafe { &*self.object.as_ptr() }
    }

    /// Returns the `QObject*` for C++. This value owns it.
    #[must_use]
    pub fn as_ptr(&self) -> *mut std::os::raw::c_void {
        // SAFETY: pinned by its box.
        unsafe { QObjectPinned::new(&*self.object) }.get_or_create_cpp_object()
    }
}

unsafe extern "C" {
    fn mpqt_signal_index(
        meta_object: *const QMetaObject,
        name: *const std::os::raw::c_char,
        length: usize,
    ) -> std::os::raw::c_int;
    fn mpqt_is_listened_to(object: *const std::os::raw::c_void, index: std::os::raw::c_int)
    -> bool;
    /// Protects the object from JavaScript's garbage collector, because Rust owns it.
    pub(crate) fn mpqt_keep(object: *mut std::os::raw::c_void);
}
