//! Why the script of a scripted child cannot be played.

/// Why a script cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The interface has nothing of this name.
    #[error("`{interface}` has no {kind} `{name}`, but {known} (at {at})")]
    UnknownName {
        /// The interface.
        interface: String,
        /// `command`, `property` or `event`.
        kind: &'static str,
        /// The name that the script gives.
        name: String,
        /// Those that there are.
        known: String,
        /// Where the step stands.
        at: String,
    },
    /// A value has another type than the interface says.
    #[error("{step} has a `{given}`, but the interface says `{signature}` (at {at})")]
    WrongType {
        /// The step, as it was written.
        step: String,
        /// The value's type.
        given: &'static str,
        /// What the interface says.
        signature: String,
        /// Where the step stands.
        at: String,
    },
    /// A value could not be encoded.
    #[error("the value of {step} cannot travel: {message} (at {at})")]
    Value {
        /// The step, as it was written.
        step: String,
        /// What was wrong with it.
        message: String,
        /// Where the step stands.
        at: String,
    },
    /// A step does not belong where it stands.
    #[error("{problem} (at {at})")]
    Order {
        /// What is wrong, and what to do.
        problem: String,
        /// Where the step stands.
        at: String,
    },
    /// A run is never ready and does not end.
    #[error("run {run} is never ready: write `.ready()`, or end it, by `.hang()` for example")]
    NeverReady {
        /// 1 for the first.
        run: usize,
    },
}
