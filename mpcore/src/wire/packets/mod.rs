//! Items and packets of a lane, the queue that waits for credit, and the credit.

pub(crate) mod credit;
pub(crate) mod keyed;
pub(crate) mod kinds;
pub(crate) mod outgoing;
pub(crate) mod packet;
