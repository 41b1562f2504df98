//! Why the script of a scripted child cannot be played.

/// Why a script cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The interface has nothing with this name.
    #[error("`{interface}` has no {kind} `{name}`, but {known} (at {at})")]
    UnknownName {
        /// The interface.
        interface: String,
        /// `command`, `property` or `event`.
        kind: &'static str,
        /// The name in the script.
        name: String,
        /// The existing names.
        known: String,
        /// The step's location in the source.
        at: String,
    },
    /// A value has a different type than the interface declares.
    #[error("{step} has a `{given}`, but the interface declares `{signature}` (at {at})")]
    WrongType {
        /// The step, as it was written.
        step: String,
        /// The value's type.
        given: &'static str,
        /// The declaration in the interface.
        signature: String,
        /// The step's location in the source.
        at: String,
    },
    /// A value could not be encoded.
    #[error("the value of {step} cannot be sent: {message} (at {at})")]
    Value {
        /// The step, as it was written.
        step: String,
        /// Why it could not be encoded.
        message: String,
        /// The step's location in the source.
        at: String,
    },
    /// A step is not allowed at its position.
    #[error("{problem} (at {at})")]
    Order {
        /// The problem, and how to fix it.
        problem: String,
        /// The step's location in the source.
        at: String,
    },
    /// A run neither becomes ready nor ends.
    #[error("run {run} is never ready: write `.ready()`, or end it, for example with `.hang()`")]
    NeverReady {
        /// 1 for the first.
        run: usize,
    },
}
