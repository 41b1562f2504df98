//! What is traced, and how: every [`event!`] of this crate, and the spans of runs, calls and
//! commands.
//!
//! A subscriber is user code: it may be slow, panic, or call back into mpcore. So nothing of it
//! runs under a lock of the runtime. Where locks are held, a guard of [`later`] lives outside of
//! them: what happens meanwhile on this thread is kept, and reaches the subscriber when the guard
//! is dropped. Every call of the subscriber is guarded against panics. What a subscriber itself
//! causes on its thread is not traced, because that would never end; nor is anything in a forked
//! copy, which may have inherited a lock of the subscriber that is never released.
//!
//! Without a subscriber each place costs one load from memory: the highest level that is enabled.
//! `docs/tracing.md` lists the events, and a test compares the list with the sources. [`install`]
//! sets up the log of `MPCORE_LOG`.

#[cfg(feature = "log-to-stderr")]
mod switch;

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::span::{EnteredSpan, Id};
use tracing::{Level, Span};

use crate::panics::unwind::caught;
use crate::process::sys;
use crate::sync::lock;

/// Emits an event: level, target, the span that it belongs to (`None`: that of the thread), its name,
/// and its fields. They are evaluated only if the level is enabled, and no user code runs before the
/// locks of a surrounding [`later`] are released.
macro_rules! event {
    ($level:ident, $target:literal, in $parent:expr, $name:literal $(, $field:ident = $value:expr)* $(,)?) => {
        if $crate::trace::is_on(::tracing::Level::$level) {
            let parent: ::std::option::Option<::tracing::Id> = $parent;
            $(#[allow(clippy::redundant_locals)] let $field = $value;)*
            $crate::trace::emit(move || {
                // One place for both, which is half of the code.
                let parent = parent.or_else(|| ::tracing::Span::current().id());
                ::tracing::event!(
                    name: $name, target: $target, parent: parent, ::tracing::Level::$level,
                    $($field,)* $name
                );
            });
        }
    };
}

pub(crate) use event;

/// Returns whether a subscriber may want something of this level. Runs no code of it.
pub fn is_on(level: Level) -> bool {
    level <= STATIC_MAX_LEVEL && level <= LevelFilter::current()
}

/// Installs the log that `MPCORE_LOG` asks for, unless the application has its own subscriber. Only
/// the first call does anything.
pub fn install() {
    #[cfg(feature = "log-to-stderr")]
    switch::install();
}

type Act = Box<dyn FnOnce()>;

/// What is traced on this thread.
struct Here {
    /// The number of guards of [`later`].
    guards: Cell<usize>,
    waiting: Cell<Vec<Act>>,
    /// The subscriber runs.
    in_subscriber: Cell<bool>,
}

thread_local! {
    static HERE: Here = const {
        Here {
            guards: Cell::new(0),
            waiting: Cell::new(Vec::new()),
            in_subscriber: Cell::new(false),
        }
    };
}

impl Here {
    fn run(&self, act: impl FnOnce()) {
        if sys::is_copy() {
            // Dropping it may close a span, which is code of the subscriber.
            return std::mem::forget(act);
        }
        self.in_subscriber.set(true);
        caught(act);
        self.in_subscriber.set(false);
    }
}

/// Runs code of the subscriber: now, or when the guards of `later` are gone.
#[cold]
pub fn emit(act: impl FnOnce() + 'static) {
    // At the end of a thread nothing is traced any more.
    let _ = HERE.try_with(|here| {
        if here.in_subscriber.get() {
            return;
        }
        if here.guards.get() == 0 {
            return here.run(act);
        }
        let mut waiting = here.waiting.take();
        waiting.push(Box::new(act));
        here.waiting.set(waiting);
    });
}

/// Keeps what this thread traces until the returned guard is dropped. Create it before the first lock
/// is taken.
pub(crate) fn later() -> Later {
    let on = LevelFilter::current() != LevelFilter::OFF
        && HERE.try_with(|here| here.guards.set(here.guards.get() + 1)).is_ok();
    Later { on }
}

/// See [`later`].
#[must_use]
pub(crate) struct Later {
    on: bool,
}

impl Drop for Later {
    fn drop(&mut self) {
        if !self.on {
            return;
        }
        let _ = HERE.try_with(|here| {
            here.guards.set(here.guards.get() - 1);
            if here.guards.get() == 0 {
                for act in here.waiting.take() {
                    here.run(act);
                }
            }
        });
    }
}

/// Creates a span with the code of the subscriber; `None` if there is none that wants it. Called
/// without locks.
pub(crate) fn span(level: Level, create: impl FnOnce() -> Span) -> Option<Span> {
    if !is_on(level) || sys::is_copy() {
        return None;
    }
    HERE.try_with(|here| {
        if here.in_subscriber.get() {
            return None;
        }
        here.in_subscriber.set(true);
        let span = caught(create);
        here.in_subscriber.set(false);
        span.filter(|span| !span.is_none())
    })
    .ok()
    .flatten()
}

/// The span of a run: opened when the run begins, closed after its last event.
#[derive(Default)]
pub(crate) struct RunSpan {
    open: Mutex<Option<Arc<Span>>>,
}

impl RunSpan {
    /// Opens the span, as a root: the span of the code that starts a child ends long before the run.
    pub(crate) fn open(&self, process: impl FnOnce() -> String, generation: u32) {
        let span = span(Level::ERROR, || {
            tracing::error_span!(
                target: "mpcore::run", parent: None, "run", process = process(), generation, pid = tracing::field::Empty
            )
        });
        *lock(&self.open) = span.map(Arc::new);
    }

    /// Returns what makes an event one of this run.
    pub(crate) fn id(&self) -> Option<Id> {
        lock(&self.open).as_ref().and_then(|span| span.id())
    }

    /// Adds the process id.
    pub(crate) fn has_process(&self, pid: u32) {
        let span = lock(&self.open).clone();
        if let Some(span) = span {
            emit(move || {
                span.record("pid", pid);
            });
        }
    }

    /// Closes the span.
    pub(crate) fn close(&self) {
        let span = lock(&self.open).take();
        if let Some(span) = span {
            emit(move || drop(span));
        }
    }
}

/// Enters a span on this thread until the guard is dropped: what the user's code traces meanwhile
/// belongs to it.
pub(crate) fn enter(span: Option<Span>) -> Entered {
    Entered(span.and_then(|span| caught(|| span.entered())))
}

/// See [`enter`].
#[must_use]
pub(crate) struct Entered(Option<EnteredSpan>);

impl Drop for Entered {
    fn drop(&mut self) {
        let span = self.0.take();
        match sys::is_copy() {
            true => std::mem::forget(span),
            false => drop(caught(|| drop(span))),
        }
    }
}

/// A duration as a field.
pub(crate) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn without_a_subscriber_nothing_is_evaluated() {
        let evaluated = AtomicUsize::new(0);
        let count = || evaluated.fetch_add(1, Ordering::SeqCst);
        event!(ERROR, "mpcore::test", in None, "never", count = count());
        let span = span(Level::ERROR, || {
            count();
            Span::none()
        });
        let run = RunSpan::default();
        run.open(|| count().to_string(), 1);
        assert!(span.is_none() && run.id().is_none());
        assert!(!later().on, "nothing is kept");
        assert_eq!(evaluated.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn what_waits_is_traced_in_order_when_the_last_guard_is_gone() {
        let traced = std::rc::Rc::new(Cell::new(0));
        let add = |digit: i32| {
            let traced = std::rc::Rc::clone(&traced);
            move || traced.set(traced.get() * 10 + digit)
        };
        // As with a subscriber, which these tests do not have.
        let guard = || {
            HERE.with(|here| here.guards.set(here.guards.get() + 1));
            Later { on: true }
        };
        emit(add(1));
        let outer = guard();
        emit(add(2));
        drop(guard());
        emit(|| panic!("a subscriber panics"));
        emit(add(3));
        assert_eq!(traced.get(), 1);
        drop(outer);
        assert_eq!(traced.get(), 123);
    }

    #[test]
    fn what_a_subscriber_itself_causes_is_not_traced() {
        let traced = std::rc::Rc::new(Cell::new(0));
        let (outer, inner) = (std::rc::Rc::clone(&traced), std::rc::Rc::clone(&traced));
        emit(move || {
            outer.set(outer.get() + 1);
            emit(move || inner.set(inner.get() + 10));
        });
        assert_eq!(traced.get(), 1);
    }
}
