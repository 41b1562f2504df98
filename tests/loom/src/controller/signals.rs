//! The inbox.

#[path = "../../../../mpcore/src/controller/signals/mailbox.rs"]
pub(crate) mod mailbox;
#[path = "../../../../mpcore/src/controller/signals/ring.rs"]
pub(crate) mod ring;
