//! The Qt side of the framework: the interface of a child process as a `QObject`.
//!
//! [`qobject!`] makes a QML type of an interface: commands are methods that return immediately, and
//! the child's answers come back as named signals. The GUI thread never waits, and a crash of the
//! child is a signal.
//!
//! ```no_run
//! mod lab {
//!     #[mpcore::process]
//!     pub trait Laser {
//!         #[signal(name = "add_two_finished")]
//!         fn add_two(&mut self, num1: i32, num2: i32) -> i32;
//!
//!         #[property]
//!         fn connected(&self) -> bool;
//!     }
//!
//!     #[derive(mpcore::Child)]
//!     #[child(Laser)]
//!     pub struct LaserProcess {
//!         cx: LaserContext,
//!     }
//!
//!     impl Laser for LaserProcess {
//!         fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
//!             self.cx.connected.set(true);
//!             num1 + num2
//!         }
//!     }
//! }
//!
//! mpqt::qobject! { pub struct LaserObject: lab::LaserControl, child = lab::LaserProcess }
//!
//! fn main() -> Result<std::process::ExitCode, mpqt::RunError> {
//!     mpqt::init(); // first: in a child it does not return
//!     mpqt::register::<LaserObject>("Lab", 1, 0, "Laser");
//!     mpqt::run(
//!         r#"
//!         import QtQuick
//!         import QtQuick.Controls.Basic
//!         import Lab 1.0
//!
//!         ApplicationWindow {
//!             visible: true
//!             Laser {
//!                 id: laser
//!                 onAdd_two_finished: sum => label.text = sum
//!                 process.onFinished: exit => label.text = exit.text
//!             }
//!             Button { text: "Add"; onClicked: laser.add_two(20, 22) }
//!             Label { id: label; y: 50; text: laser.connected ? "on" : "off" }
//!         }
//!         "#,
//!     )
//! }
//! ```
//!
//! # Where to look
//!
//! | you want to | look at |
//! |---|---|
//! | make a QML type of an interface | [`qobject!`] |
//! | start, stop, kill, restart, watch the child | [`ProcessObject`], in QML `laser.process` |
//! | run a QML document | [`register`], [`run`], [`Application`], without a display [`offscreen`] |
//! | find a child's program in this program's folder | [`beside_me`] |
//! | show a control that Rust code holds | `LaserObject::attach`, [`inbox`] |
//! | test a user interface | [`testing`], with feature `testing` |
//! | measure whether the window stutters | [`LatenessProbe`], [`TimerLateness`] |
//!
//! # Consistent values
//!
//! A property of an object changes in the GUI thread, just before its signal: a read in JavaScript,
//! a binding and the handler of any signal see the value that the child had when it sent that
//! signal. (The getter of a control in Rust is ahead of it: it reads the value that arrived last.)
//! The same holds for the properties of `process`. An object that is attached to a running child
//! begins with the newest values.
//!
//! An assignment is a command: the property changes when the child has accepted it. If several
//! assignments to a property wait for a busy child, only the newest is made, and the others end
//! with `call_failed`, kind `"superseded"`; see `#[property(write, every)]`. With
//! `builder.reapply_properties()` in `options`, accepted values survive a crash and are shown
//! throughout.
//!
//! After the end of its child a property keeps its last value, and `process.stale` is true until
//! the values of the next run arrive: `text: laser.process.stale ? "?" : laser.power`.
//!
//! # Building
//!
//! This crate needs a C++ compiler and Qt 6 (tested with 6.4), which it finds through `qmake6` or
//! through the environment variable `QMAKE`. If cargo reports that qmake could not be executed,
//! install:
//!
//! | system | what to install |
//! |---|---|
//! | Debian, Ubuntu | `apt-get install g++ qt6-base-dev qt6-declarative-dev`, and the `qml6-module-…` that the documents import |
//! | Fedora | `dnf install gcc-c++ qt6-qtbase-devel qt6-qtdeclarative-devel` |
//! | Arch | `pacman -S gcc qt6-base qt6-declarative` |
//! | macOS | `brew install qt`, and `QMAKE=$(brew --prefix qt)/bin/qmake` |
//! | Windows | Qt's installer, the kit of your compiler, and `QMAKE=C:\Qt\6.x\msvc2022_64\bin\qmake.exe`; its `bin` in `PATH` when the program runs |
//!
//! In this repository `cargo xtask setup` installs it where it can. The linker finds a Qt that is
//! not the system's, but the loader does not: its `lib` folder must be in `LD_LIBRARY_PATH` (macOS:
//! `DYLD_LIBRARY_PATH`) when the program runs, or in its rpath.

#![deny(unsafe_code)]

mod application;
mod convert;
mod delivery;
mod javascript;
mod lateness;
mod object;
mod process_object;
mod records;
mod register;
mod shown;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;
mod waker;

use std::ffi::OsString;

pub use application::{
    Application, RunError, has_display, offscreen, offscreen_without_a_display, run, run_file,
};
pub use delivery::{BUDGET, inbox};
pub use lateness::{Lateness, LatenessProbe, TimerLateness};
pub use mpcore::init;
pub use object::{AttachError, Attached, ControlObject, Launch};
pub use process_object::MpqtProcess as ProcessObject;
pub use register::{QmlType, register};

/// Makes a QML type of an interface.
///
/// ```
/// # mod instruments {
/// #     #[mpcore::process] pub trait Laser { fn fire(&mut self); }
/// #     #[derive(mpcore::Child)] #[child(Laser)] pub struct LaserProcess {}
/// #     impl Laser for LaserProcess { fn fire(&mut self) {} }
/// # }
/// use instruments::{LaserControl, LaserProcess};
///
/// mpqt::qobject! { pub struct LaserObject: LaserControl, child = LaserProcess }
/// mpqt::qobject! { pub struct RemoteLaser: LaserControl, program = mpqt::beside_me("laser-child") }
/// mpqt::qobject! {
///     pub struct WatchedLaser: LaserControl,
///     child = LaserProcess,
///     options = |builder| builder.restart(mpcore::RestartPolicy::on_crash())
/// }
/// mpqt::qobject! { pub struct ShownLaser: LaserControl, rename_all = "camelCase" }
/// # fn main() {}
/// ```
///
/// After the struct's name comes its control, by any path. The crate needs mpqt and the crate with
/// the interface.
///
/// # Options
///
/// | option | meaning |
/// |---|---|
/// | `child = LaserProcess` | the child is this binary, started again; `mpqt::init()` first in `main` |
/// | `program = ".."` | the child is a binary of its own: any expression that is an `OsString` |
/// | neither | the object shows the control that it is attached to |
/// | `options = \|builder\| ..` | a closure or a function that sets other options of the [`mpcore::ControlBuilder`] |
/// | `rename_all = "camelCase"` | methods, signals and properties have names as in Qt: `addTwo`, `onAddTwoFinished`; by default they have the names of Rust. The members of `process`, the fields of records and the command names in them stay unchanged |
///
/// # Members
///
/// | of the interface | in QML and C++ |
/// |---|---|
/// | command `add_two` | method `add_two(..)`, which returns the call's number |
/// | its signal `add_two_finished` | signal with exactly the declared arguments |
/// | property `power` | property, and its signal with the new value; if it can be written, `power = 2` and `set_power(2)` call the command |
/// | event `voltage` | signal with its arguments |
/// | | signal `exception_raised(exception)`: `{ process, pid, command, call, kind, message, backtrace, commands_lost, commands, event, property, text }`; every failure, each once under its own kind, including starts that failed or were refused; `commands` is the number of commands that were not run because the child was to end (kind `"not_run"`) |
/// | | signal `call_finished(call, name)`, after the named one |
/// | | signal `call_failed(call, name, error)`: `{ kind, message, text }`, also for calls that were cancelled or stopped |
/// | config | property `config`, for the next start |
/// | the child's life | property `process`, a [`ProcessObject`] |
///
/// The child starts when the component is complete, unless `process.autostart` is false; it stops
/// when the object is destroyed. Commands that are called before the start wait.
///
/// # Types
///
/// | in Rust | in a signal, C++ | in JavaScript |
/// |---|---|---|
/// | `bool` | `bool` | boolean |
/// | `i8` `i16` `i32` `u8` `u16`; `u32`; `i64`; `u64` | `int`; `uint`; `qlonglong`; `qulonglong` | number, exact up to 2⁵³ |
/// | `f32` `f64` | `double` | number |
/// | `String` | `QString` | string |
/// | `Vec<u8>`, and types that serialise as bytes | `QByteArray` | `ArrayBuffer` |
/// | any other serde type | `QVariant` | object, array, string for a unit variant, null for `None` |
///
/// Arguments, `config` and written properties are passed as `QVariant` and checked by serde. A
/// wrong argument throws a `TypeError` that names method, argument and type. A wrong value for a
/// property causes a warning that names property and type, and changes nothing: bindings in QML
/// write properties too, and no code there could catch an error. For bytes pass an `ArrayBuffer`
/// (`uint8array.buffer`).
///
/// # In Rust
///
/// `LaserObject::attach(control)` makes an object for an existing control (build it with
/// `.inbox(mpqt::inbox())`); `object.control()` returns the control.
#[macro_export]
macro_rules! qobject {
    ($($declaration:tt)*) => {
        $crate::__private::qobject_declare! { ($crate) $($declaration)* }
    };
}

/// Returns the path of a program in the folder of this one, where applications ship their helpers,
/// with the system's extension for programs.
#[must_use]
pub fn beside_me(program: &str) -> OsString {
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let me = std::env::current_exe().ok();
    let folder = me.as_deref().and_then(std::path::Path::parent);
    folder.map_or_else(|| name.clone().into(), |folder| folder.join(&name).into_os_string())
}

/// Items for generated code. Not part of the public interface: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use std::cell::RefCell;

    pub use mpcore::ControlBuilder;

    /// Fixes the argument and return types of the user's closure.
    pub fn set_options<C: mpcore::Control>(
        builder: ControlBuilder<C>,
        set: impl FnOnce(ControlBuilder<C>) -> ControlBuilder<C>,
    ) -> ControlBuilder<C> {
        set(builder)
    }
    pub use mpmacros::{qobject_declare, qobject_expand};
    pub use qmetaobject::{
        self, QByteArray, QMetaType, QObject, QString, QVariant, qt_base_class, qt_method,
        qt_property, qt_signal,
    };

    pub use crate::convert::{ConvertError, ToQt, argument, decode, decode_empty};
    pub use crate::object::{
        Config, ControlObject, Core, Launch, Link, completed, constructed, control,
    };
    pub use crate::process_object::MpqtProcess;
    pub use crate::records::exception;
    pub use crate::register::QmlType;
    pub use crate::shown::Shown;
}
