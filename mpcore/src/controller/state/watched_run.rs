//! A run and its child, as held by the watcher.

use std::sync::Arc;

use crate::controller::state::Shared;
use crate::controller::state::run::Run;

/// See the [module](self).
pub(crate) struct WatchedRun {
    pub(crate) shared: Arc<Shared>,
    pub(crate) run: Arc<Run>,
}

impl WatchedRun {
    pub(crate) fn new(shared: &Arc<Shared>, run: &Arc<Run>) -> Self {
        Self { shared: Arc::clone(shared), run: Arc::clone(run) }
    }

    /// Returns whether the run has not ended.
    pub(crate) fn is_current(&self) -> bool {
        let life = self.shared.life();
        life.run.as_ref().is_some_and(|current| Arc::ptr_eq(current, &self.run))
    }
}
