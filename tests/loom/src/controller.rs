//! Sources of the controller's side.

#[path = "../../../mpcore/src/controller/allowance.rs"]
pub(crate) mod allowance;
#[path = "../../../mpcore/src/controller/run/finished.rs"]
pub(crate) mod finished;
#[path = "../../../mpcore/src/controller/grant.rs"]
pub(crate) mod grant;
#[path = "../../../mpcore/src/controller/health.rs"]
mod health;
#[path = "../../../mpcore/src/controller/mailbox.rs"]
pub(crate) mod mailbox;
#[path = "../../../mpcore/src/controller/pending.rs"]
pub(crate) mod pending;
#[path = "../../../mpcore/src/controller/repeat.rs"]
pub(crate) mod repeat;
#[path = "../../../mpcore/src/controller/ring.rs"]
pub(crate) mod ring;
#[path = "../../../mpcore/src/controller/supersede.rs"]
pub(crate) mod supersede;
#[path = "../../../mpcore/src/controller/traffic.rs"]
pub(crate) mod traffic;

/// How a run ended: not modelled.
pub(crate) mod exit {
    pub(crate) type SharedReport = std::sync::Arc<()>;
}

/// How long a command may run: not modelled.
pub(crate) mod escalation {
    use crate::wire::packet::CallFlags;

    #[derive(Debug, Default)]
    pub(crate) struct Limit {
        pub(crate) milliseconds: u32,
        pub(crate) flags: CallFlags,
        pub(crate) overran: bool,
        pub(crate) foretold: bool,
        pub(crate) cancelled: bool,
    }

    impl Limit {
        pub(crate) fn allow(&mut self, milliseconds: u32) {
            self.milliseconds = milliseconds;
        }
    }
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
