//! Tracks which descriptors of a run are still held: `join` waits until none is, so that another
//! child can be started with the last descriptors that are available.

use std::fmt;
use std::sync::Arc;

/// Kept beside each descriptor of a run that another thread may still hold after the run has ended.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    _last: Arc<Last>,
}

struct Last(Box<dyn Fn() + Send + Sync>);

impl fmt::Debug for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Last")
    }
}

impl Held {
    /// `released` is called when the last clone is dropped.
    pub(crate) fn new(released: impl Fn() + Send + Sync + 'static) -> Self {
        Self { _last: Arc::new(Last(Box::new(released))) }
    }
}

impl Drop for Last {
    fn drop(&mut self) {
        (self.0)();
    }
}
