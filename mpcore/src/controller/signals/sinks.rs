//! The destinations of what arrives: one sink per result, property and event of an interface, and
//! the signal of exceptions.

use std::fmt;

use crate::controller::report::outcome::Exception;
use crate::controller::signals::signal::Signal;
use crate::wire::value::codec::DecodeError;

/// Decodes a value and calls the handlers.
pub(crate) type Deliver = Box<dyn Fn(&[u8]) -> Result<(), DecodeError> + Send + Sync>;

/// The destination of the results of one command.
pub(crate) struct ResultSink {
    pub(crate) deliver: Deliver,
    pub(crate) is_connected: Box<dyn Fn() -> bool + Send + Sync>,
}

/// The destination of one property's changes; takes the encoded value and its version.
pub(crate) type PropertySink = Box<dyn Fn(&[u8], u64) -> Result<(), DecodeError> + Send + Sync>;

/// All sinks of an interface, by index.
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
