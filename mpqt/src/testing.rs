//! Tests of user interfaces: QML `TestCase`s inside a test binary, offscreen if there is no
//! display; and which signals and methods of an object C++ finds. The C++ side is
//! `cpp/testing.cpp`.
//!
//! ```toml
//! [[test]]
//! name = "qml"
//! harness = false     # Qt needs the main thread
//! ```
//!
//! ```no_run
//! # #[mpcore::process] pub trait Laser { fn fire(&mut self); }
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
//!
//! # Results for a CI
//!
//! If the environment variable `MPQT_JUNIT` names a folder, each test binary also writes its
//! results to a new file there, in the format JUnit: `<name>-<process id>.xml`. Qt writes the file
//! at the end: that of a binary that crashed is empty. In it a test on Qt's `BLACKLIST` has passed,
//! and `initTestCase` and `cleanupTestCase` are tests. Relative paths begin where the binary is
//! started, for cargo in the folder of the package; a path with a comma is refused, for Qt would
//! cut it there.
//!
//! ```sh
//! MPQT_JUNIT="$PWD/results" cargo test --test qml
//! ```
#![allow(unsafe_code)]

use std::env;
use std::ffi::{CStr, CString, OsString};
use std::fs;
use std::os::raw::{c_char, c_int};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::time::Duration;

use qmetaobject::{QMetaObject, QObject};

pub use crate::offscreen_without_a_display;

/// How long the children of the tests may take to end.
const SHUTDOWN: Duration = Duration::from_secs(6);

/// Names the folder for JUnit files.
const JUNIT: &str = "MPQT_JUNIT";

/// Runs every `tst_*.qml` in `folder`, then stops the children that the tests have left running.
/// The exit code is the number of functions that failed. Call it once per process, in the main
/// thread, after all types are [`register`](crate::register)ed.
///
/// The test binary accepts the arguments that cargo and nextest pass to Rust's own test binaries:
/// it has a single test, called `name`. Arguments after `--qt` go to Qt's test runner: `-- --qt
/// Laser::test_add`. With the environment variable `MPQT_JUNIT` it also writes a file; see the
/// [module](self).
pub fn run(name: &str, folder: &str) -> ExitCode {
    let asked = Asked::read(env::args_os().skip(1).map(OsString::into_encoded_bytes), name);
    if asked.list {
        if !asked.ignored {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    if !asked.run || asked.ignored {
        println!("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out");
        return ExitCode::SUCCESS;
    }
    if !crate::delivery::is_here() {
        eprintln!("error: the tests must run in the thread that first called `mpqt::inbox()`");
        return ExitCode::FAILURE;
    }
    let for_qt = match junit_file(name) {
        Ok(None) => asked.for_qt,
        Ok(Some(file)) => with_junit(asked.for_qt, file),
        Err(why) => {
            eprintln!("error: {why}");
            return ExitCode::FAILURE;
        }
    };
    crate::offscreen_without_a_display();
    let forbidden = mpcore::forbid_waiting_on_this_thread();
    let program = env::args_os().take(1).map(OsString::into_encoded_bytes);
    let arguments = program.chain(for_qt).filter_map(|it| CString::new(it).ok());
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
    drop(forbidden);
    let stopped = mpcore::shutdown(SHUTDOWN).is_ok();
    match u8::try_from(failed) {
        Ok(0) if stopped => ExitCode::SUCCESS,
        Ok(0) => {
            eprintln!("error: a child that a test left running did not end within {SHUTDOWN:?}");
            ExitCode::FAILURE
        }
        Ok(failed) => ExitCode::from(failed),
        Err(_) => ExitCode::FAILURE,
    }
}

/// The parsed command line of a test binary.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    list: bool,
    /// Only ignored tests, of which there are none.
    ignored: bool,
    /// The filters select the test.
    run: bool,
    for_qt: Vec<Vec<u8>>,
}

impl Asked {
    fn read(arguments: impl IntoIterator<Item = Vec<u8>>, name: &str) -> Self {
        /// Options of Rust's own harness whose value is a separate argument.
        const WITH_VALUE: &[&str] =
            &["--color", "--format", "--logfile", "--shuffle-seed", "--test-threads", "-Z"];
        let mut asked = Self { run: true, ..Self::default() };
        let mut arguments = arguments.into_iter();
        let (mut filters, mut skips, mut exact) = (Vec::new(), Vec::new(), false);
        while let Some(argument) = arguments.next() {
            let argument = String::from_utf8_lossy(&argument).into_owned();
            match argument.as_str() {
                "--qt" => asked.for_qt = arguments.by_ref().collect(),
                "--list" => asked.list = true,
                "--ignored" => asked.ignored = true,
                "--exact" => exact = true,
                "--skip" => skips.extend(arguments.next()),
                option if WITH_VALUE.contains(&option) => drop(arguments.next()),
                option if option.starts_with('-') => {}
                filter => filters.push(filter.as_bytes().to_vec()),
            }
        }
        let is_meant = |filter: &Vec<u8>| {
            let filter = String::from_utf8_lossy(filter);
            if exact { name == filter } else { name.contains(filter.as_ref()) }
        };
        asked.run =
            (filters.is_empty() || filters.iter().any(is_meant)) && !skips.iter().any(is_meant);
        asked
    }
}

/// The file for the results, in a folder that exists, or why there can be none.
fn junit_file(name: &str) -> Result<Option<PathBuf>, String> {
    let Some(folder) = env::var_os(JUNIT).filter(|folder| !folder.is_empty()) else {
        return Ok(None);
    };
    let file = Path::new(&folder).join(format!("{name}-{}.xml", process::id()));
    if file.as_os_str().as_encoded_bytes().contains(&b',') {
        let file = file.display();
        return Err(format!("Qt cannot write `{file}`: set {JUNIT} to a path without a comma"));
    }
    match fs::create_dir_all(&folder) {
        Ok(()) => Ok(Some(file)),
        Err(error) => {
            let folder = folder.display();
            Err(format!("cannot create `{folder}`, which {JUNIT} names: {error}"))
        }
    }
}

/// Qt's arguments with a JUnit file added.
///
/// Qt has an old style for its output (`-o file` and `-xml`, once) and a new one (`-o file,xml`, any
/// number of times), and ignores the old beside the new. So what the old style would give is asked
/// for in the new: plain text on stdout by default.
fn with_junit(mut for_qt: Vec<Vec<u8>>, file: PathBuf) -> Vec<Vec<u8>> {
    const FORMATS: [&str; 7] = ["txt", "csv", "junitxml", "xml", "lightxml", "teamcity", "tap"];
    let (mut target, mut format, mut new_style) = (&b"-"[..], "txt", false);
    let mut arguments = for_qt.iter();
    while let Some(argument) = arguments.next() {
        let Some(option) = argument.strip_prefix(b"-") else { continue };
        if option == b"o" {
            match arguments.next() {
                Some(value) if value.contains(&b',') => new_style = true,
                Some(value) => target = value,
                // Qt reports it.
                None => return for_qt,
            }
        } else if let Some(known) = FORMATS.iter().find(|format| format.as_bytes() == option) {
            format = known;
        }
    }
    let as_before = [target, b",", format.as_bytes()].concat();
    if !new_style {
        for_qt.extend([b"-o".to_vec(), as_before]);
    }
    let file = [file.into_os_string().into_encoded_bytes(), b",junitxml".to_vec()].concat();
    for_qt.extend([b"-o".to_vec(), file]);
    for_qt
}

/// Returns whether C++ could connect to this signal of `T`, such as `"add_two_finished(int)"`.
#[must_use]
pub fn has_signal<T: QObject>(signature: &str) -> bool {
    has::<T>(signature, mpqt_has_signal)
}

/// Returns whether C++ could invoke this method of `T`, such as `"add_two(QVariant,QVariant)"`.
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

unsafe extern "C" {
    fn mpqt_quick_test_main(
        argc: c_int,
        argv: *mut *mut c_char,
        name: *const c_char,
        folder: *const c_char,
    ) -> c_int;
    fn mpqt_has_signal(meta_object: *const QMetaObject, signature: *const c_char) -> bool;
    fn mpqt_has_method(meta_object: *const QMetaObject, signature: *const c_char) -> bool;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_lines_of_cargo_and_nextest_are_understood() {
        let asked = |line: &str| {
            let words = line.split_whitespace().map(|word| word.as_bytes().to_vec());
            Asked::read(words, "cases")
        };
        for line in [
            "",
            "cases --exact --nocapture",
            "ca",
            "other cases",
            "--test-threads 1 --format=pretty --color always",
            "--test-threads=1 -q --include-ignored",
            "--skip other",
        ] {
            assert_eq!(asked(line), Asked { run: true, ..Asked::default() }, "{line}");
        }
        for line in ["other", "case --exact", "--skip ca", "--format json other"] {
            assert!(!asked(line).run, "{line}");
        }
        assert!(asked("--list --format terse").list);
        assert!(asked("--list --format terse --ignored").ignored);
        let for_qt = asked("--qt Laser::test_add -v2").for_qt;
        assert_eq!(for_qt, [b"Laser::test_add".to_vec(), b"-v2".to_vec()]);
    }
    #[test]
    fn a_junit_file_is_added_to_the_output_that_was_asked_for() {
        for (for_qt, expected) in [
            ("", "-o -,txt"),
            ("Laser::test_add -v2", "Laser::test_add -v2 -o -,txt"),
            ("-xml", "-xml -o -,xml"),
            ("-o log", "-o log -o log,txt"),
            ("-o log -tap", "-o log -tap -o log,tap"),
            ("-o log,xml", "-o log,xml"),
            ("-o log,xml -o -,txt", "-o log,xml -o -,txt"),
        ] {
            let words = for_qt.split_whitespace().map(|word| word.as_bytes().to_vec());
            let arguments = with_junit(words.collect(), "folder/cases-1.xml".into());
            let arguments = arguments.join(&b' ');
            let expected = format!("{expected} -o folder/cases-1.xml,junitxml");
            assert_eq!(String::from_utf8_lossy(&arguments), expected, "{for_qt}");
        }
        assert_eq!(with_junit(vec![b"-o".to_vec()], "x.xml".into()), [b"-o".to_vec()]);
    }
}
