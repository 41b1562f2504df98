//! What is reported: no model looks at it.

/// How a run went.
pub(crate) mod exit {
    pub(crate) type SharedReport = std::sync::Arc<()>;
}

/// How a command ended.
pub(crate) mod outcome {
    use super::exit::SharedReport;

    #[derive(Debug)]
    pub(crate) enum Outcome {
        Returned,
        QueueFull,
        Stopped,
        Cancelled,
        Superseded,
        Exited(SharedReport),
        Finishing,
    }
}
