//! Tracks which descriptors of a run are still held: `join` waits until none is, so that another
//! child can be started with the last descriptors that are available.

use std::sync::{Arc, Weak};

use crate::controller::state::Shared;

/// Kept beside each descriptor of a run that another thread may still hold after the run has ended.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    _last: Arc<Last>,
}

#[derive(Debug)]
struct Last {
    shared: Weak<Shared>,
    generation: u32,
}

impl Held {
    pub(crate) fn new(shared: &Arc<Shared>, generation: u32) -> Self {
        Self { _last: Arc::new(Last { shared: Arc::downgrade(shared), generation }) }
    }
}

impl Drop for Last {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.life().holding.retain(|generation| *generation != self.generation);
            shared.life_changed().notify_all();
        }
    }
}
