//! The process's panic hook: how it is wrapped, and how expected panics are kept from it.
//!
//! A hook can only be taken and put back, so between the two the default one is in place, and two that do it
//! at once could lose one. All that the framework does to the hook is done here, one after the other; what the
//! application does at the same moment cannot be seen.

use std::cell::Cell;
use std::panic::{self, PanicHookInfo};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::sync::lock;
use crate::unwind::caught;

/// A panic hook.
pub(crate) type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync + 'static>;

/// Held while the hook is out of its place.
static WRAPPING: Mutex<()> = Mutex::new(());

/// Where the newest filter stands in memory; 0 once it is dropped.
static FILTER: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Puts a hook around the one that there is.
pub(crate) fn wrap(around: impl FnOnce(Hook) -> Hook) {
    let _one_after_the_other = lock(&WRAPPING);
    panic::set_hook(around(panic::take_hook()));
}

/// Runs code whose panics are expected: no hook is called, so that one which reports, or ends the process,
/// does not. `Ok(None)` if it panicked; `Err` if it was not run, because this thread is panicking, and then
/// nobody may touch the hook.
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

/// Sees to it that the outermost hook is a filter: the application may have set its own since the last time.
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

fn address(hook: &Hook) -> usize {
    (&raw const **hook).cast::<()>().addr()
}

/// Dropped with a filter, whose place in memory may then become another hook's. Of several filters the newest
/// may be taken for gone as well: then there is one more.
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

    /// The hook is the process's, so all of this is one test.
    #[test]
    fn a_quiet_panic_reaches_no_hook_whenever_it_was_set() {
        let heard = Arc::new(AtomicUsize::new(0));
        let count = |by: usize| {
            let heard = Arc::clone(&heard);
            move |_: &PanicHookInfo<'_>| {
                // Other tests of this process panic as well.
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
        assert_eq!(found(), 1, "all other panics are heard");
        let filter = FILTER.load(Ordering::SeqCst);
        quiet();
        assert_eq!(FILTER.load(Ordering::SeqCst), filter, "the filter is put there once");

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
