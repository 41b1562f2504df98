//! Which threads report the end of a run, and so must not wait for one.

use std::cell::Cell;

use crate::controller::signals::relief;

thread_local! {
    static ENDS_HERE: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, this thread reports the end of a run. Code that it calls meanwhile, a waker or
/// `after_exit`, must wait neither for that end nor for other reporting threads, which may be
/// waiting for this one.
#[derive(Debug)]
pub(crate) struct EndsHere {
    before: bool,
}

impl EndsHere {
    pub(crate) fn new() -> Self {
        Self { before: ENDS_HERE.replace(true) }
    }
}

impl Drop for EndsHere {
    fn drop(&mut self) {
        ENDS_HERE.set(self.before);
    }
}

/// Returns whether this thread reports the end of a run, or delivers the signals of children
/// without their own inbox.
pub(crate) fn tells_here() -> bool {
    ENDS_HERE.get() || relief::drains_here()
}
