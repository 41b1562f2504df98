//! The program that runs as the child, and what a child on a thread has to do ([`ThreadChild`]).

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use crate::child::startup::assignment::Assignment;
use crate::child::startup::registry::{self, Registration};
use crate::controller::report::error::StartError;
use crate::transport::ChildLanes;
use crate::wire::interface::description::InterfaceTable;

/// The program that runs as the child.
#[derive(Debug, Clone)]
pub(crate) enum Program {
    /// This binary, started again.
    Own { key: String },
    /// Another binary.
    Path(OsString),
    /// A thread of this process.
    Thread(Arc<dyn ThreadChild>),
}

impl Program {
    /// Returns the child if it runs on a thread.
    pub(crate) fn on_thread(&self) -> Option<&Arc<dyn ThreadChild>> {
        match self {
            Self::Thread(child) => Some(child),
            Self::Own { .. } | Self::Path(_) => None,
        }
    }

    /// Returns whether the child runs on a thread.
    pub(crate) fn is_on_thread(&self) -> bool {
        self.on_thread().is_some()
    }

    /// Returns whether the child runs this very code, so that its interface need not be compared.
    pub(crate) fn is_same_code(&self) -> bool {
        match self {
            Self::Own { key } => registry::is_same_code(key),
            Self::Path(_) => false,
            Self::Thread(_) => true,
        }
    }
}

/// A child on a thread of this process: one of this binary's children, or its replacement in a
/// test.
pub(crate) trait ThreadChild: fmt::Debug + Send + Sync {
    /// Runs the child and returns its exit code.
    fn serve(&self, table: &InterfaceTable, lanes: ChildLanes, run: Assignment) -> i32;

    /// Returns whether it implements the interface, and so needs a config and accepts planned
    /// faults.
    fn is_implemented(&self) -> bool {
        true
    }

    /// Checks that it can be a child of this interface.
    ///
    /// # Errors
    /// Returns why it cannot.
    fn check(&self, _: &InterfaceTable) -> Result<(), StartError> {
        Ok(())
    }
}

impl ThreadChild for Registration {
    fn serve(&self, _: &InterfaceTable, lanes: ChildLanes, run: Assignment) -> i32 {
        (self.serve)(lanes, run)
    }
}
