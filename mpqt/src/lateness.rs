//! Measures how late the GUI thread is, which users notice as a stuttering window: with
//! [`LatenessProbe`] in Rust, with [`TimerLateness`] in QML. The C++ side is `cpp/timer.cpp`.
#![allow(unsafe_code)]
// `derive(QObject)` needs these.
#![allow(missing_docs, clippy::useless_transmute)]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::raw::{c_int, c_void};
use std::rc::Rc;
use std::time::{Duration, Instant};

use qmetaobject::{QObject, QVariant, qt_base_class, qt_method, qt_property, qt_signal};
use serde::Serialize;

use crate::register::QmlType;

/// The timer's interval.
const INTERVAL: Duration = Duration::from_millis(10);

/// The number of measurements that are kept: a quarter of an hour.
const MOST: usize = 90_000;

/// How late a timer of 10 ms fired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lateness {
    /// How often it fired.
    pub count: usize,
    /// The 99th percentile, in milliseconds.
    pub p99_ms: f64,
    /// The maximum, in milliseconds.
    pub max_ms: f64,
}

impl Lateness {
    fn of(late: impl IntoIterator<Item = Duration>) -> Self {
        let mut late: Vec<_> = late.into_iter().collect();
        late.sort_unstable();
        let ms = |late: Option<&Duration>| late.map_or(0.0, |late| late.as_secs_f64() * 1000.0);
        let p99 = (late.len() * 99).div_ceil(100).saturating_sub(1);
        Self { count: late.len(), p99_ms: ms(late.get(p99)), max_ms: ms(late.last()) }
    }
}

/// A precise timer of 10 ms in the GUI thread that measures how late it fires, each time relative
/// to the time before.
///
/// QML's own timer is not suitable, because it fires with the frames.
#[derive(Debug)]
pub struct LatenessProbe {
    timer: *mut c_void,
    late: Rc<RefCell<Ticks>>,
}

#[derive(Debug)]
struct Ticks {
    last: Instant,
    late: VecDeque<Duration>,
}

impl LatenessProbe {
    /// Begins to measure. Call it in the GUI thread, when there is an application.
    #[must_use]
    pub fn start() -> Self {
        let late = Rc::new(RefCell::new(Ticks { last: Instant::now(), late: VecDeque::new() }));
        let context = Rc::as_ptr(&late).cast_mut().cast();
        #[allow(clippy::cast_possible_truncation)]
        let interval = INTERVAL.as_millis() as c_int;
        // SAFETY: `late` lives until the timer is stopped.
        let timer = unsafe { mpqt_timer_start(interval, tick, context) };
        Self { timer, late }
    }

    /// Returns the measurements since the last call or since the start, at most of the last quarter
    /// of an hour, and begins anew.
    pub fn take(&self) -> Lateness {
        let mut ticks = self.late.borrow_mut();
        Lateness::of(std::mem::take(&mut ticks.late))
    }
}

impl Drop for LatenessProbe {
    fn drop(&mut self) {
        // SAFETY: made by `start`, and this is the only owner.
        unsafe { mpqt_timer_stop(self.timer) };
    }
}

extern "C" fn tick(context: *mut c_void) {
    // SAFETY: the probe keeps it alive until the timer is stopped.
    let ticks: &RefCell<Ticks> = unsafe { &*context.cast() };
    let mut ticks = ticks.borrow_mut();
    let now = Instant::now();
    let late = (now - ticks.last).saturating_sub(INTERVAL);
    ticks.last = now;
    if ticks.late.len() == MOST {
        ticks.late.pop_front();
    }
    ticks.late.push_back(late);
}

/// A [`LatenessProbe`] for QML: `register::<TimerLateness>("Lab", 1, 0, "TimerLateness")`.
///
/// It measures while `running`; `take()` returns `{ count, p99_ms, max_ms }` of the measurements
/// since the last `take()`, and begins anew.
#[allow(missing_debug_implementations, dead_code)]
#[derive(QObject, Default)]
pub struct TimerLateness {
    base: qt_base_class!(trait QObject),
    probe: RefCell<Option<LatenessProbe>>,
    running: qt_property!(bool; READ get_running WRITE set_running NOTIFY running_changed),
    running_changed: qt_signal!(),
    take: qt_method!(fn(&self) -> QVariant),
}

impl TimerLateness {
    fn get_running(&self) -> bool {
        self.probe.borrow().is_some()
    }

    fn set_running(&self, running: bool) {
        if running != self.get_running() {
            *self.probe.borrow_mut() = running.then(LatenessProbe::start);
            self.running_changed();
        }
    }

    fn take(&self) -> QVariant {
        let lateness = self.probe.borrow().as_ref().map(LatenessProbe::take);
        crate::convert::encode(&lateness.unwrap_or_default()).unwrap_or_default()
    }
}

impl QmlType for TimerLateness {}

unsafe extern "C" {
    fn mpqt_timer_start(
        milliseconds: c_int,
        tick: extern "C" fn(*mut c_void),
        context: *mut c_void,
    ) -> *mut c_void;
    fn mpqt_timer_stop(timer: *mut c_void);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_the_second_latest_is_p99() {
        let late: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        let lateness = Lateness::of(late);
        assert_eq!(lateness, Lateness { count: 100, p99_ms: 99.0, max_ms: 100.0 });
        assert_eq!(Lateness::of([]), Lateness::default());
        assert_eq!(Lateness::of([Duration::from_millis(1)]).p99_ms, 1.0);
    }
}
