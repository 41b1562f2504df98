//! Panics in the child: their location and text.
//!
//! The hook records them for the thread that runs the commands. The previously installed hook still
//! runs, so the text is on stderr as well. The hook is never installed in a controller without a
//! child on a thread. [`guard`] runs the user's code, and returns how it was left: by a panic, or
//! at a cancel point.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

use crate::child::context::CancelUnwind;
use crate::limits::PANIC_TEXT_BYTES;
use crate::panics::frames::{begin_user_code, of_user};
use crate::panics::hook;
use crate::panics::unwind::discard;
use crate::wire::messages::report::PanicReport;

thread_local! {
    /// The last panic of this thread.
    static LAST: RefCell<Option<PanicReport>> = const { RefCell::new(None) };
}

/// Installs the hook, once per process.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        hook::wrap(|before| {
            Box::new(move |info| {
                LAST.with_borrow_mut(|last| *last = Some(report(info)));
                before(info);
            })
        });
    });
}

/// Returns the report of a panic, for the hook.
fn report(info: &PanicHookInfo<'_>) -> PanicReport {
    let backtrace = Backtrace::capture();
    let backtrace = match backtrace.status() {
        BacktraceStatus::Captured => of_user(&backtrace.to_string()),
        _ => String::new(),
    };
    let backtrace = cut(backtrace);
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    PanicReport { message: message(info.payload()), location, backtrace }
}

/// Returns the text of a panic.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    cut(text.unwrap_or("a panic without a text").to_owned())
}

/// Cuts a text that is too long to be sent.
fn cut(mut text: String) -> String {
    if text.len() > PANIC_TEXT_BYTES {
        let end = (0..=PANIC_TEXT_BYTES).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

/// How the user's code ended, if it did not return.
#[derive(Debug)]
pub(crate) enum Unwound {
    /// At a cancel point.
    Cancelled,
    Panicked(PanicReport),
}

/// Runs the user's code.
pub(crate) fn guard<R>(code: impl FnOnce() -> R) -> Result<R, Unwound> {
    LAST.with_borrow_mut(|last| *last = None);
    catch_unwind(AssertUnwindSafe(|| begin_user_code(code))).map_err(|payload| {
        if payload.is::<CancelUnwind>() {
            return Unwound::Cancelled;
        }
        let last = LAST.with_borrow_mut(Option::take);
        // `resume_unwind` in the user's code runs no hook.
        let report = last.unwrap_or_else(|| PanicReport {
            message: message(&*payload),
            location: String::new(),
            backtrace: String::new(),
        });
        discard(payload);
        Unwound::Panicked(report)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::CallError;
    use crate::fixtures::adder::{AdderControl, Sum};

    const LONG: Duration = Duration::from_secs(60);

    /// Regression: the payload's `Drop` panicked in the child's runtime, and all other commands
    /// were lost with this one.
    #[test]
    fn a_panic_that_panics_is_one_outcome() {
        let control = AdderControl::builder().in_process::<Sum>().spawn().unwrap();
        let (mut bad, mut good) = (control.add(-1, 2), control.add(1, 2));
        let outcome = bad.wait_timeout(LONG);
        assert!(matches!(outcome, Err(CallError::Panicked(_))), "{outcome:?}");
        assert_eq!(good.wait_timeout(LONG), Ok(3), "the child goes on");
    }
}
