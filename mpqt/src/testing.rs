//! Tests of user interfaces: QML `TestCase`s inside a test binary, offscreen where there is no display.
//! The C++ side is `cpp/testing.cpp`.
//!
//! ```toml
//! [[test]]
//! name = "qml"
//! harness = false     # Qt wants the main thread
//! ```
//!
//! ```no_run
//! # #[mpcore::process] trait Laser { fn fire(&mut self); }
//! mpqt::qobject! { pub struct LaserObject: LaserControl, program = "laser-child" }
//!
//! fn main() -> std::process::ExitCode {
//!     mpqt::init();
//!     mpqt::register::<LaserObject>("Lab", 1, 0, "Laser");
//!     mpqt::testing::run("laser", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/qml"))
//! }
//! ```
//!
//! with `tests/qml/tst_laser.qml`:
//!
//! ```qml
//! import QtQuick; import QtTest; import Lab 1.0
//! TestCase {
//!     name: "Laser"; when: windowShown
//!     Laser { id: laser }
//!     SignalSpy { id: finished; target: laser; signalName: "add_two_finished" }
//!     function test_add() {
//!         laser.add_two(20, 22)
//!         finished.wait()
//!         compare(finished.signalArguments[0][0], 42)
//!     }
//! }
//! ```
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int};
use std::process::ExitCode;
use std::time::Duration;

use qmetaobject::{QMetaObject, QObject};

/// How long the children of the tests have for their end.
const SHUTDOWN: Duration = Duration::from_secs(6);

/// Runs every `tst_*.qml` in `folder`, and stops what children the tests have left. Fails with the
/// number of functions that failed. Once per process, in the main thread, after everything is
/// [`register`](crate::register)ed; the arguments of the test binary go to Qt's test runner.
pub fn run(name: &str, folder: &str) -> ExitCode {
    if answer_list(name) {
        return ExitCode::SUCCESS;
    }
    offscreen_without_a_display();
    mpcore::forbid_waiting_on_this_thread(true);
    let arguments = std::env::args_os().filter(|argument| {
        // What cargo and its test runners add for Rust's own harness.
        !["--exact", "--nocapture", "--no-capture"].iter().any(|known| argument == known)
    });
    let arguments = arguments.filter_map(|it| CString::new(it.into_encoded_bytes()).ok());
    let mut pointers: Vec<*mut c_char> = arguments.map(CString::into_raw).collect();
    let count = c_int::try_from(pointers.len()).unwrap_or(1);
    pointers.push(std::ptr::null_mut());
    let (Ok(name), Ok(folder)) = (CString::new(name), CString::new(folder)) else {
        return ExitCode::FAILURE;
    };
    // SAFETY: all strings live for the call; Qt may keep the arguments, which are never freed.
    let failed = unsafe {
        let arguments = pointers.leak().as_mut_ptr();
        mpqt_quick_test_main(count, arguments, name.as_ptr(), folder.as_ptr())
    };
    mpcore::forbid_waiting_on_this_thread(false);
    let stopped = mpcore::shutdown(SHUTDOWN);
    match u8::try_from(failed) {
        Ok(0) if stopped => ExitCode::SUCCESS,
        Ok(0) => ExitCode::FAILURE,
        Ok(failed) => ExitCode::from(failed),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Chooses Qt's offscreen platform and the software renderer where there is no display. Before the
/// application object; what is set already stays.
pub fn offscreen_without_a_display() {
    let display =
        ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if cfg!(target_os = "linux") && !display {
        // SAFETY: before Qt has started any thread that could read the environment.
        unsafe {
            mpqt_default_environment(c"QT_QPA_PLATFORM".as_ptr(), c"offscreen".as_ptr());
            mpqt_default_environment(c"QT_QUICK_BACKEND".as_ptr(), c"software".as_ptr());
        }
    }
}

/// Whether C++ could connect to this signal of `T`, `"add_two_finished(int)"`.
#[must_use]
pub fn has_signal<T: QObject>(signature: &str) -> bool {
    has::<T>(signature, mpqt_has_signal)
}

/// Whether C++ could invoke this method of `T`, `"add_two(QVariant,QVariant)"`.
#[must_use]
pub fn has_method<T: QObject>(signature: &str) -> bool {
    has::<T>(signature, mpqt_has_method)
}

fn has<T: QObject>(
    signature: &str,
    ask: unsafe extern "C" fn(*const QMetaObject, *const c_char) -> bool,
) -> bool {
    let Ok(signature) = CString::new(signature) else { return false };
    let signature: &CStr = &signature;
    // SAFETY: a static meta-object and a live string.
    unsafe { ask(T::static_meta_object(), signature.as_ptr()) }
}

/// nextest asks every test binary which tests it has; one of these is a single test.
fn answer_list(name: &str) -> bool {
    let arguments: Vec<_> = std::env::args_os().collect();
    let asks = |word: &str| arguments.iter().any(|argument| argument == word);
    if asks("--list") && !asks("--ignored") {
        println!("{name}: test");
    }
    asks("--list")
}

unsafe extern "C" {
    fn mpqt_quick_test_main(
        argc: c_int,
        argv: *mut *mut c_char,
        name: *const c_char,
        folder: *const c_char,
    ) -> c_int;
    fn mpqt_has_signal(meta_object: *const QMetaObject, signature: *const c_char) -> bool;
    fn mpqt_has_method(meta_object: *const QMetaObject, signature: *const c_char) -> bool;
    fn mpqt_default_environment(name: *const c_char, value: *const c_char);
}
