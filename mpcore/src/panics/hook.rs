//! The process's panic hook: wraps it, and keeps expected panics away from it.
//!
//! A hook can only be taken and put back. In between the default hook is in place, and two threads
//! that do this at once could lose a hook. So every change that the framework makes to the hook is
//! made here, one after the other; changes that the application makes at the same moment cannot be
//! detected.

use std::cell::Cell;
use std::panic::{self, PanicHookInfo};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::panics::unwind::caught;
use crate::sync::lock;

/// A panic hook.
pub(crate) type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync + 'static>;

/// Held while the hook is not in place.
static WRAPPING: Mutex<()> = Mutex::new(());

/// Address of the newest filter; 0 once it is dropped.
static FILTER: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Wraps the current hook.
pub(crate) fn wrap(around: impl FnOnce(Hook) -> Hook) {
    let _one_after_the_other = lock(&WRAPPING);
    panic::set_hook(around(panic::take_hook()));
}

/// Runs code whose panics are expected: no hook is called, so a hook that reports a panic or ends
/// the process does neither. Returns `Ok(None)` if the code panicked, and `Err` if it was not run
/// because this thread is panicking: in that state the hook must not be touched.
pub(crate) fn quietly<R>(code: impl FnOnce() -> R) -> Result<Option<R>, Panicking> {
    if thread::panicking() {
        return Err(Panicking);
    }
    keep_filter();
    let before = QUIET.replace(true);
    let result = caught(code);
    QUIET.set(before);
    Ok(result)
}

/// See [`quietly`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Panicking;

/// Ensures that the outermost hook is a filter: the application may have set its own since the last
/// time.
fn keep_filter() {
    wrap(|hook| {
        if address(&hook) == FILTER.load(Ordering::SeqCst) {
            return hook;
        }
        let mark = Mark;
        let filter: Hook = Box::new(move |info| {
            let _mark = &mark;
            if !QUIET.get() {
                hook(info);
            }
        });
        FILTER.store(address(&filter), Ordering::SeqCst);
        filter
    });
}

/// Returns the address by which a hook is recognised.
fn address(hook: &Hook) -> usize {
    (&raw const **hook).cast::<()>().addr()
}

/// Dropped together with a filter, whose address may then be reused by another hook. If there are
/// several filters, the newest may be considered gone as well; then one more is installed.
struct Mark;

impl Drop for Mark {
    fn drop(&mut self) {
        FILTER.store(0, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// The hook belongs to the process, so all of this is one test.
    #[test]
    fn a_quiet_panic_reaches_no_hook_whenever_it_was_set() {
        let heard = Arc::new(AtomicUsize::new(0));
        let count = |by: usize| {
            let heard = Arc::clone(&heard);
            move |_: &PanicHookInfo<'_>| {
                // Other tests in this process panic as well.
                if thread::current().name().is_some_and(|name| name.contains("quiet_panic")) {
                    heard.fetch_add(by, Ordering::SeqCst);
                }
            }
        };
        let loud = || assert_eq!(caught(|| panic!("loud")), None::<()>);
        let quiet = || assert_eq!(quietly(|| panic!("quiet")), Ok(None::<()>));
        let found = || heard.swap(0, Ordering::SeqCst);

        panic::set_hook(Box::new(count(1)));
        quiet();
        assert_eq!(found(), 0);
        loud();
        assert_eq!(found(), 1, "all other panics reach the hook");
        let filter = FILTER.load(Ordering::SeqCst);
        quiet();
        assert_eq!(FILTER.load(Ordering::SeqCst), filter, "the filter is installed once");

        panic::set_hook(Box::new(count(10)));
        quiet();
        assert_eq!(found(), 0, "a hook that replaced the filter");
        loud();
        assert_eq!(found(), 10);

        let (before, outer) = (panic::take_hook(), count(100));
        panic::set_hook(Box::new(move |info| {
            outer(info);
            before(info);
        }));
        quiet();
        assert_eq!(found(), 0, "a hook that was put around the filter");
        loud();
        assert_eq!(found(), 110);

        struct InDrop;
        impl Drop for InDrop {
            fn drop(&mut self) {
                assert_eq!(quietly(|| ()), Err(Panicking));
            }
        }
        let unwound = caught(|| {
            let _in_drop = InDrop;
            panic!("loud");
        });
        assert_eq!(unwound, None::<()>);
        drop(panic::take_hook());
    }
}
