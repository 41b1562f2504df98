//! Packets, their queue and their credit.

#[path = "../../../../mpcore/src/wire/packets/credit.rs"]
pub(crate) mod credit;
#[path = "../../../../mpcore/src/wire/packets/keyed.rs"]
pub(crate) mod keyed;
#[path = "../../../../mpcore/src/wire/packets/outgoing.rs"]
#[allow(unreachable_pub)]
pub(crate) mod outgoing;
#[path = "../../../../mpcore/src/wire/packets/packet.rs"]
pub(crate) mod packet;
