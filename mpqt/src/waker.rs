//! Wakes the GUI thread from any other thread, with one posted event per burst. The C++ side is
//! `cpp/waker.cpp`.
//!
//! `qmetaobject::queued_callback` is not used: it crashes when the application ends while threads
//! still call it, aborts in nested event loops, and posts an event per call.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};

/// An event is posted, or was requested before there was an application.
static ARMED: AtomicBool = AtomicBool::new(false);

/// Asks the GUI thread to drain the inbox. Can be called from any thread; never blocks.
pub(crate) fn wake() {
    if !ARMED.swap(true, Ordering::SeqCst) {
        // SAFETY: may be called from any thread, at any time. Without an application the request is
        // kept.
        unsafe { mpqt_waker_post() };
    }
}

/// Makes waking possible. Called in the GUI thread, when there is an application object; does
/// nothing while waking is possible already.
pub(crate) fn open() {
    // SAFETY: the caller is in the GUI thread, and an application object exists: checked here.
    unsafe {
        if !mpqt_is_gui_thread() || mpqt_waker_is_open() {
            return;
        }
        mpqt_waker_open();
        // Requests from before.
        ARMED.store(true, Ordering::SeqCst);
        mpqt_waker_post();
    }
}

#[unsafe(no_mangle)]
extern "C" fn mpqt_waker_fired() {
    // Before draining: signals that arrive meanwhile request the next event.
    ARMED.store(false, Ordering::SeqCst);
    crate::delivery::deliver();
}

#[unsafe(no_mangle)]
extern "C" fn mpqt_waker_closed() {
    crate::delivery::closed();
}

unsafe extern "C" {
    fn mpqt_is_gui_thread() -> bool;
    fn mpqt_waker_open();
    fn mpqt_waker_is_open() -> bool;
    fn mpqt_waker_post() -> bool;
}
