//! Waking the GUI thread from any other: one posted event per burst. The C++ side is `cpp/waker.cpp`.
//!
//! Not `qmetaobject::queued_callback`: that one crashes when the application ends while threads still
//! call it, aborts in nested event loops, and posts an event per call.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};

/// An event is under way, or was asked for before there was an application.
static ARMED: AtomicBool = AtomicBool::new(false);

/// Asks the GUI thread to drain. From any thread; never blocks.
pub(crate) fn wake() {
    if !ARMED.swap(true, Ordering::SeqCst) {
        // SAFETY: may be called from any thread, at any time. Without an application the wish stays.
        unsafe { mpqt_waker_post() };
    }
}

/// In the GUI thread, when there is an application object; does nothing the second time.
pub(crate) fn open() {
    // SAFETY: the caller is in the GUI thread, and an application object exists: checked here.
    unsafe {
        if !mpqt_is_gui_thread() || mpqt_waker_is_open() {
            return;
        }
        mpqt_waker_open();
        // What was asked for before.
        ARMED.store(true, Ordering::SeqCst);
        mpqt_waker_post();
    }
}

#[unsafe(no_mangle)]
extern "C" fn mpqt_waker_fired() {
    // Before draining: what comes meanwhile asks for the next event.
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
