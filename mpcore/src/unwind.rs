//! The user's code may unwind, with whatever payload.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the user's code; `None` if it panicked, of which the panic hook has told.
pub(crate) fn caught<R>(code: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(code)).map_err(discard).ok()
}

/// Drops what a panic has left. Its `Drop` is the user's code too: one that panics must not take along
/// whoever has just caught the first panic.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // It may do the same for ever.
        std::mem::forget(another);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::panic::panic_any;

    use super::*;

    /// A payload that panics when it is dropped, with another one like it.
    pub(crate) struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_any(Self);
        }
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_is_let_go() {
        assert_eq!(caught(|| 1), Some(1));
        assert_eq!(caught(|| panic_any(Bomb)), None::<()>);
    }
}
