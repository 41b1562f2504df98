//! Catches panics of user code, and drops their payloads, whose `Drop` is user code too.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code. Returns `None` if it panicked; the panic hook has then reported the panic.
pub(crate) fn caught<R>(code: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(code)).map_err(discard).ok()
}

/// Drops the payload of a panic. Its `Drop` is user code too: if it panics, it must not take down
/// the code that has just caught the first panic.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // Its own drop may panic again, endlessly.
        std::mem::forget(another);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::panic::panic_any;

    use super::*;

    /// A payload that panics when it is dropped, with another payload of the same kind.
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
