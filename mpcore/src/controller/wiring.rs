//! Ties the signals of a generated control to what arrives for them.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use crate::controller::inbox::Notice;
use crate::controller::inbox::post_current;
use crate::controller::outcome::Exception;
use crate::controller::shared::Shared;
use crate::controller::signal::Signal;
use crate::wire::codec::{Args, DecodeError};
use crate::wire::interface::{Command, EventDef, PropertyDef};

type Deliver = Box<dyn Fn(&[u8]) -> Result<(), DecodeError> + Send + Sync>;

/// Where the results of one command go.
pub(crate) struct ResultSink {
    pub(crate) deliver: Deliver,
    pub(crate) is_connected: Box<dyn Fn() -> bool + Send + Sync>,
}

/// Where the changes of one property go: encoded value and version.
pub(crate) type PropertySink = Box<dyn Fn(&[u8], u64) -> Result<(), DecodeError> + Send + Sync>;

/// Where everything goes, by index.
#[derive(Default)]
pub(crate) struct Sinks {
    pub(crate) results: Vec<Option<ResultSink>>,
    pub(crate) properties: Vec<Option<PropertySink>>,
    pub(crate) events: Vec<Option<Deliver>>,
    pub(crate) exception_raised: Signal<(Exception,)>,
}

impl fmt::Debug for Sinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sinks").finish_non_exhaustive()
    }
}

/// Makes the signals of one control; used by generated code.
#[derive(Debug, Default)]
pub struct Wiring {
    pub(crate) sinks: Sinks,
    /// The control that is being made.
    pub(crate) control: Arc<OnceLock<Weak<Shared>>>,
}

fn put<V>(row: &mut Vec<Option<V>>, index: u16, value: V) {
    let index = usize::from(index);
    if row.len() <= index {
        row.resize_with(index + 1, || None);
    }
    row[index] = Some(value);
}

impl Wiring {
    /// The signal of a command's results.
    pub fn result<A: Args, T, E, S: 'static>(
        &mut self,
        command: &'static Command<A, T, E>,
        arguments: fn(T) -> S,
    ) -> Signal<S> {
        let signal = Signal::new();
        let (fired, asked) = (signal.clone(), signal.clone());
        let sink = ResultSink {
            deliver: Box::new(move |bytes| {
                fired.fire(&arguments(command.result.decode(bytes)?));
                Ok(())
            }),
            is_connected: Box::new(move || asked.is_connected()),
        };
        put(&mut self.sinks.results, command.index, sink);
        signal
    }

    /// The signal of a property's changes.
    pub fn property<T: 'static>(&mut self, property: &'static PropertyDef<T>) -> Signal<(T,)> {
        let signal = Signal::new();
        let fired = signal.clone();
        let sink: PropertySink = Box::new(move |bytes, version| {
            fired.fire_version(&(property.codec.decode(bytes)?,), version);
            Ok(())
        });
        put(&mut self.sinks.properties, property.index, sink);
        let control = Arc::clone(&self.control);
        signal.shown_by(move |look| {
            let shared = control.get().and_then(Weak::upgrade);
            let mirror = shared.as_ref().and_then(|it| it.mirrors.get(usize::from(property.index)));
            let read = mirror.map(|it| it.read());
            let (bytes, version) = read.unwrap_or_default();
            let value = property.codec.decode(&bytes).unwrap_or_else(|_| (property.default)());
            look(&(value,));
            version
        });
        let control = Arc::clone(&self.control);
        signal.replayed_by(move |handler| {
            let Some(shared) = control.get().and_then(Weak::upgrade) else {
                return;
            };
            // As it is now: the handler gets what is sent from now on after it.
            post_current(&shared, property.index, |bytes, version| {
                Notice::Task(Box::new(move || {
                    if let Ok(value) = property.codec.decode(&bytes) {
                        handler.call(&(value,), version);
                    }
                }))
            });
        });
        signal
    }

    /// The signal of an event.
    pub fn event<A: Args>(&mut self, event: &'static EventDef<A>) -> Signal<A> {
        let signal = Signal::new();
        let fired = signal.clone();
        let sink: Deliver = Box::new(move |bytes| {
            fired.fire(&A::decode(&event.args, bytes)?);
            Ok(())
        });
        put(&mut self.sinks.events, event.index, sink);
        signal
    }

    /// The signal of failures.
    pub fn exception_raised(&mut self) -> Signal<(Exception,)> {
        self.sinks.exception_raised.clone()
    }
}
