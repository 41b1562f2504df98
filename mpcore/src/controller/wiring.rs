//! Connects the signals of a generated control to what arrives for them.

use std::sync::{Arc, OnceLock, Weak};

use crate::controller::report::outcome::Exception;
use crate::controller::signals::notice::Notice;
use crate::controller::signals::signal::Signal;
use crate::controller::signals::sinks::{Deliver, PropertySink, ResultSink, Sinks};
use crate::controller::state::Shared;
use crate::controller::state::posting::post_current;
use crate::wire::interface::description::{Command, EventDef, PropertyDef};
use crate::wire::value::codec::Args;

/// Creates the signals of one control; used by generated code.
#[derive(Debug, Default)]
pub struct Wiring {
    pub(crate) sinks: Sinks,
    /// The control that is being created.
    pub(crate) control: Arc<OnceLock<Weak<Shared>>>,
}

/// Puts a sink at its index.
fn put<V>(row: &mut Vec<Option<V>>, index: u16, value: V) {
    let index = usize::from(index);
    if row.len() <= index {
        row.resize_with(index + 1, || None);
    }
    row[index] = Some(value);
}

impl Wiring {
    /// Returns the signal of a command's results.
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

    /// Returns the signal of a property's changes.
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
            // The current value is taken when the notice is posted: the handler gets later changes
            // after it.
            post_current(&shared, property.index, |bytes, version| {
                handler.begin_with(version);
                Notice::Task(Box::new(move || {
                    if let Ok(value) = property.codec.decode(&bytes) {
                        handler.call(&(value,), version);
                    }
                }))
            });
        });
        signal
    }

    /// Returns the signal of an event.
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

    /// Returns the signal of failures.
    pub fn exception_raised(&mut self) -> Signal<(Exception,)> {
        self.sinks.exception_raised.clone()
    }
}
