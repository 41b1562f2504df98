//! Reports: no model looks at them.

/// What a child reports of itself.
pub(crate) mod report {
    pub(crate) struct InExecution {
        pub(crate) call: u64,
        pub(crate) milliseconds: u64,
    }
}
