//! Tables and policies.

#[path = "../../../../mpcore/src/controller/model/finished.rs"]
pub(crate) mod finished;
#[path = "../../../../mpcore/src/controller/model/health.rs"]
pub(crate) mod health;
#[path = "../../../../mpcore/src/controller/model/pending.rs"]
pub(crate) mod pending;
#[path = "../../../../mpcore/src/controller/model/repeat.rs"]
pub(crate) mod repeat;
#[path = "../../../../mpcore/src/controller/model/requests.rs"]
pub(crate) mod requests;
#[path = "../../../../mpcore/src/controller/model/supersede.rs"]
pub(crate) mod supersede;

/// How long a command may run: no model looks at it.
pub(crate) mod limit {
    use crate::wire::packets::packet::CallFlags;

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
