//! Sources that both sides share.

#[path = "../../../mpcore/src/wire/credit.rs"]
pub(crate) mod credit;
#[path = "../../../mpcore/src/wire/keyed.rs"]
pub(crate) mod keyed;
#[path = "../../../mpcore/src/wire/outgoing.rs"]
pub(crate) mod outgoing;
#[path = "../../../mpcore/src/wire/packet.rs"]
pub(crate) mod packet;

/// A child's report about itself: not modelled.
pub(crate) mod report {
    pub(crate) struct InExecution {
        pub(crate) call: u64,
        pub(crate) milliseconds: u64,
    }
}
