//! Lanes that lead only into a model.

use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Closed;

pub(crate) trait LaneSender: Send + Sync {
    fn send(&self, packet: &[u8]) -> Result<(), Closed>;
}

pub(crate) type Sender = Arc<dyn LaneSender>;
