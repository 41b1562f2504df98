//! The application: the event loop, the QML engine, and the end of the children. Also whether
//! windows are visible, and running without a display. The C++ side is `cpp/application.cpp`.
#![allow(unsafe_code)]

use std::any::Any;
use std::ffi::{CString, OsString};
use std::fmt;
use std::marker::PhantomData;
use std::os::raw::{c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, TryRecvError};
use std::thread;

use mpcore::__private::ShutdownGuard;
use qmetaobject::QString;

use crate::convert::text_of;
use crate::object::{Attached, ControlObject};
use crate::trace::event;
use crate::{delivery, waker};

/// Why an application did not run.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The document has no root object. Holds the messages of QML.
    #[error("the QML document could not be loaded:\n{0}")]
    Load(String),
    /// The document cannot be read.
    #[error("`{}` could not be read: {source}", path.display())]
    Read {
        /// The document.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// There is an application already; a process has one at a time.
    #[error("there is an application object already; load the document into that one's engine")]
    SecondApplication,
    /// `mpqt::inbox()` was first called in another thread.
    #[error(
        "the application must run in the thread that first called `mpqt::inbox()`; \
         call both in `main`"
    )]
    OtherThread,
}

impl fmt::Debug for RunError {
    /// Like `Display`: `main` prints this when it returns an error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Runs a QML document until the application quits: [`Application::run`] without options.
///
/// # Errors
/// If the document cannot be loaded, with the messages of QML.
pub fn run(qml: &str) -> Result<ExitCode, RunError> {
    Application::new().run(qml)
}

/// Runs a QML document from a file, so that it finds the types in the same folder.
///
/// # Errors
/// Like [`run`].
pub fn run_file(path: impl AsRef<Path>) -> Result<ExitCode, RunError> {
    Application::new().run_file(path)
}

/// Returns whether windows are visible: as `QT_QPA_PLATFORM` says if it is set; otherwise on Linux
/// whether there is an X or Wayland display, and `true` on other systems.
#[must_use]
pub fn has_display() -> bool {
    windows_are_seen(cfg!(target_os = "linux"), |name| std::env::var(name).ok())
}

/// Does the work of [`has_display`], with the system and its environment as arguments.
fn windows_are_seen(linux: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let variable = |name| variable(name).filter(|value| !value.is_empty());
    match variable("QT_QPA_PLATFORM") {
        // Options follow a colon, and other platforms a semicolon.
        Some(platform) => {
            let first = platform.split([':', ';']).next().unwrap_or_default();
            !["minimal", "offscreen", "vnc"].contains(&first)
        }
        None if linux => {
            ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|name| variable(name).is_some())
        }
        None => true,
    }
}

/// Chooses Qt's offscreen platform and the software renderer, even if there is a display.
/// Environment variables that are set already keep their values.
///
/// This function sets environment variables, so call it at the beginning of `main`, before other
/// threads could read them.
pub fn offscreen() {
    // SAFETY: two live strings. The caller must ensure that no other thread reads the environment
    // meanwhile, as documented; Rust's own functions use a lock that this one does not take.
    unsafe {
        mpqt_default_environment(c"QT_QPA_PLATFORM".as_ptr(), c"offscreen".as_ptr());
        mpqt_default_environment(c"QT_QUICK_BACKEND".as_ptr(), c"software".as_ptr());
    }
}

/// Calls [`offscreen`] if there is [no display](has_display).
pub fn offscreen_without_a_display() {
    if !has_display() {
        offscreen();
    }
}

/// A Qt application with one QML document.
///
/// ```no_run
/// # mod lab {
/// #     #[mpcore::process] pub trait Laser { fn fire(&mut self); }
/// # }
/// mpqt::qobject! { pub struct LaserObject: lab::LaserControl }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let laser = lab::LaserControl::builder().program("laser").inbox(mpqt::inbox()).spawn()?;
/// mpqt::Application::new()
///     .object("laser", LaserObject::attach(laser)?)
///     .run("import QtQuick; Item { Component.onCompleted: laser.fire() }")?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Application {
    import_paths: Vec<PathBuf>,
    objects: Vec<(String, *mut c_void, Box<dyn Any>)>,
    /// Not `Send`: Qt's objects stay in one thread.
    _here: PhantomData<*const ()>,
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("import_paths", &self.import_paths)
            .finish_non_exhaustive()
    }
}

impl Application {
    /// Creates an application, which does not run yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a folder in which QML modules are looked for.
    #[must_use]
    pub fn import_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.import_paths.push(path.into());
        self
    }

    /// Adds an object that the document can use by this name.
    #[must_use]
    pub fn object<T: ControlObject>(mut self, name: &str, object: Attached<T>) -> Self {
        self.objects.push((name.to_owned(), object.as_ptr(), Box::new(object)));
        self
    }

    /// Runs until the last window is closed or `Qt.quit()` is called, then hides the windows and
    /// ends all children of this process, each by its [exit policy](mpcore::ExitPolicy). While they
    /// end, their last signals still reach the document. They have as long as their policies allow:
    /// the time to finish, their grace, and a little more. The exit code is that of
    /// `Qt.exit(code)`.
    ///
    /// # Errors
    /// If the document cannot be loaded.
    pub fn run(self, qml: &str) -> Result<ExitCode, RunError> {
        self.run_document(Some(qml), "")
    }

    /// Like [`run`](Self::run), for a document in a file.
    ///
    /// # Errors
    /// Like [`run`](Self::run).
    pub fn run_file(self, path: impl AsRef<Path>) -> Result<ExitCode, RunError> {
        let path = path.as_ref();
        let whole = path
            .canonicalize()
            .map_err(|source| RunError::Read { path: path.to_owned(), source })?;
        // On Windows a canonical path has a prefix that Qt does not understand.
        let whole = whole.to_string_lossy().trim_start_matches(r"\\?\").to_owned();
        let mut url = QString::default();
        // SAFETY: reads and writes live strings.
        unsafe { mpqt_url_of_file(&QString::from(whole.as_str()), &mut url) };
        self.run_document(None, &text_of(&url))
    }

    fn run_document(mut self, qml: Option<&str>, url: &str) -> Result<ExitCode, RunError> {
        if !delivery::is_here() {
            return Err(RunError::OtherThread);
        }
        // Documents may be wrong before any child has started.
        mpcore::__private::install_log();
        let qt = Qt::new()?;
        waker::open();
        let _waiting = mpcore::forbid_waiting_on_this_thread();
        let shown = self.show(qml, url);
        event!(
            INFO, "mpqt::application", in None, "quitting",
            code = shown.as_ref().ok().map(|(_, code)| *code),
        );
        qt.stop_children();
        // Destroyed in this order: the document, the objects that it uses, the application.
        let code = shown.map(|(engine, code)| {
            drop(engine);
            exit_code(code)
        });
        self.objects.clear();
        // Destroying the engine posts an event that stops its animation timer: without this turn of
        // the event loop the next application would receive it. SAFETY: the application lives, in
        // this thread.
        unsafe { mpqt_application_process_events() };
        drop(qt);
        code
    }

    /// Loads the document and runs the event loop.
    fn show(&self, qml: Option<&str>, url: &str) -> Result<(Engine, c_int), RunError> {
        let engine = Engine::new();
        for path in &self.import_paths {
            // SAFETY: a live engine in its thread, and a live text.
            unsafe { mpqt_engine_add_import_path(engine.0, &text(path)) };
        }
        for (name, object, _) in &self.objects {
            // SAFETY: the object lives until after the engine, see `run_document`.
            unsafe { mpqt_engine_set_object(engine.0, &QString::from(name.as_str()), *object) };
        }
        engine.load(qml, url).inspect_err(|error| {
            event!(
                ERROR, "mpqt::application", in None, "document not loaded",
                why = error.to_string(),
            );
        })?;
        event!(INFO, "mpqt::application", in None, "document loaded");
        // SAFETY: the application lives, in this thread.
        let code = unsafe { mpqt_application_exec() };
        Ok((engine, code))
    }
}

/// Converts Qt's exit code; one that a process cannot have becomes 1.
fn exit_code(code: c_int) -> ExitCode {
    if code == 0 { ExitCode::SUCCESS } else { ExitCode::from(u8::try_from(code).unwrap_or(1)) }
}

fn text(path: &Path) -> QString {
    path.to_string_lossy().as_ref().into()
}

/// The application object.
struct Qt(*mut c_void);

impl Qt {
    fn new() -> Result<Self, RunError> {
        static MAKING: AtomicBool = AtomicBool::new(false);
        // SAFETY: one at a time, and the memory behind `argv` is never freed.
        unsafe {
            if MAKING.swap(true, Ordering::SeqCst) {
                return Err(RunError::SecondApplication);
            }
            let made = if mpqt_application_exists() {
                Err(RunError::SecondApplication)
            } else {
                let (count, arguments) = arguments();
                Ok(Self(mpqt_application_new(count, arguments)))
            };
            MAKING.store(false, Ordering::SeqCst);
            made
        }
    }

    /// Stops and joins all children, and delivers signals meanwhile.
    fn stop_children(&self) {
        // SAFETY: the application lives, in this thread.
        unsafe { mpqt_application_hide_windows() };
        let (sender, done) = mpsc::channel::<()>();
        let ended = Ended(Some(sender));
        let stop = move || {
            let _ended = ended;
            if !ShutdownGuard::end_children() {
                event!(WARN, "mpqt::application", in None, "child left behind");
                let why = "a child did not end within its grace; it will end with this process";
                crate::javascript::warn_of(None, why);
            }
        };
        // Without the thread, the children still end with their controls.
        let Ok(_thread) = thread::Builder::new().name("mpqt-shutdown".into()).spawn(stop) else {
            return;
        };
        while matches!(done.try_recv(), Err(TryRecvError::Empty)) {
            // SAFETY: as above. Signals of the children post an event, and so does `Ended`.
            unsafe { mpqt_application_wait_for_events() };
        }
        // The last signals of the children.
        crate::delivery::deliver_all();
    }
}

/// Wakes the event loop when the children have ended, or when the thread has panicked.
struct Ended(Option<mpsc::Sender<()>>);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.take());
        waker::wake();
    }
}

impl Drop for Qt {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and this is the only owner.
        unsafe { mpqt_application_delete(self.0) };
    }
}

/// Returns the command line in Qt's form, valid for the rest of the process.
fn arguments() -> (*mut c_int, *mut *mut c_char) {
    let arguments = std::env::args_os().filter_map(|argument| CString::new(bytes(argument)).ok());
    let mut pointers: Vec<_> = arguments.map(CString::into_raw).collect();
    let count = c_int::try_from(pointers.len()).unwrap_or(c_int::MAX);
    pointers.push(std::ptr::null_mut());
    (Box::leak(Box::new(count)), pointers.leak().as_mut_ptr())
}

#[cfg(unix)]
fn bytes(argument: OsString) -> Vec<u8> {
    std::os::unix::ffi::OsStringExt::into_vec(argument)
}

/// On Windows, Qt gets the command line from the system.
#[cfg(not(unix))]
fn bytes(argument: OsString) -> Vec<u8> {
    argument.to_string_lossy().into_owned().into_bytes()
}

/// The QML engine.
struct Engine(*mut c_void);

impl Engine {
    fn new() -> Self {
        // SAFETY: an application object exists.
        Self(unsafe { mpqt_engine_new() })
    }

    fn load(&self, qml: Option<&str>, url: &str) -> Result<(), RunError> {
        let mut reports = QString::default();
        let (source, length) = qml.map_or((std::ptr::null(), 0), |qml| (qml.as_ptr(), qml.len()));
        let url = QString::from(url);
        // SAFETY: the source outlives the call, which copies it.
        let loaded = unsafe { mpqt_engine_load(self.0, source.cast(), length, &url, &mut reports) };
        if loaded {
            return Ok(());
        }
        let reports = text_of(&reports);
        Err(RunError::Load(if reports.is_empty() {
            "it has no root object".to_owned()
        } else {
            reports
        }))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and this is the only owner.
        unsafe { mpqt_engine_delete(self.0) };
    }
}

unsafe extern "C" {
    fn mpqt_default_environment(name: *const c_char, value: *const c_char);
    fn mpqt_application_exists() -> bool;
    fn mpqt_application_new(argc: *mut c_int, argv: *mut *mut c_char) -> *mut c_void;
    fn mpqt_application_delete(application: *mut c_void);
    fn mpqt_application_exec() -> c_int;
    fn mpqt_application_process_events();
    fn mpqt_application_wait_for_events();
    fn mpqt_application_hide_windows();
    fn mpqt_engine_new() -> *mut c_void;
    fn mpqt_engine_delete(engine: *mut c_void);
    fn mpqt_engine_add_import_path(engine: *mut c_void, path: *const QString);
    fn mpqt_engine_set_object(engine: *mut c_void, name: *const QString, object: *mut c_void);
    fn mpqt_engine_load(
        engine: *mut c_void,
        source: *const c_char,
        length: usize,
        url: *const QString,
        reports: *mut QString,
    ) -> bool;
    fn mpqt_url_of_file(path: *const QString, url: *mut QString);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_windows_are_seen() {
        let seen = |linux, set: &[(&str, &str)]| {
            windows_are_seen(linux, |name| {
                set.iter().find(|(known, _)| name == *known).map(|(_, value)| (*value).to_owned())
            })
        };
        for (linux, set, expected) in [
            (true, &[][..], false),
            (true, &[("DISPLAY", "")], false),
            (true, &[("DISPLAY", ":0")], true),
            (true, &[("WAYLAND_DISPLAY", "wayland-0")], true),
            (true, &[("DISPLAY", ":0"), ("QT_QPA_PLATFORM", "offscreen")], false),
            (true, &[("QT_QPA_PLATFORM", "offscreen:size=100x100")], false),
            (true, &[("QT_QPA_PLATFORM", "xcb;offscreen")], true),
            (true, &[("DISPLAY", ":0"), ("QT_QPA_PLATFORM", "")], true),
            (false, &[], true),
            (false, &[("QT_QPA_PLATFORM", "minimal")], false),
        ] {
            assert_eq!(seen(linux, set), expected, "{linux} {set:?}");
        }
    }
}
