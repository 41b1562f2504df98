//! The command line for QML, the terminal that QML lacks, and the window's sign of life.

use std::io::{self, Write as _};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use qmetaobject::{QObject, QString, QVariantList, qt_base_class, qt_method, qt_property};

use crate::arguments::Arguments;

static CALLED: OnceLock<Called> = OnceLock::new();

/// What the program was called with.
#[derive(Debug)]
struct Called {
    arguments: Arguments,
    drives_itself: bool,
}

fn last_beat() -> MutexGuard<'static, Instant> {
    static LAST: LazyLock<Mutex<Instant>> = LazyLock::new(|| Mutex::new(Instant::now()));
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program's arguments: `Invocation` in QML. Empty until [`Invocation::set`] is called.
///
/// | member | what |
/// |---|---|
/// | `folder`, `without` | what to digest, and the names directly below it that are left out |
/// | `shot` | where the picture goes, or empty |
/// | `drives_itself` | whether it runs without a user |
/// | `say(line)` | writes a line to stdout; false if that is not possible |
/// | `complain(line)` | writes a line to stderr |
/// | `beat()` | a sign of life |
#[allow(missing_debug_implementations, dead_code, missing_docs)]
#[derive(QObject)]
pub struct Invocation {
    base: qt_base_class!(trait QObject),
    folder: qt_property!(QString; CONST),
    without: qt_property!(QVariantList; CONST),
    shot: qt_property!(QString; CONST),
    drives_itself: qt_property!(bool; CONST),
    say: qt_method!(fn(&self, line: QString) -> bool),
    complain: qt_method!(fn(&self, line: QString)),
    beat: qt_method!(fn(&self)),
}

impl Invocation {
    /// Sets the values for every `Invocation` that QML creates afterwards. Only the first call has
    /// an effect.
    pub fn set(arguments: Arguments, drives_itself: bool) {
        let _ = CALLED.set(Called { arguments, drives_itself });
        *last_beat() = Instant::now();
    }

    /// Returns the time since the last sign of life of the window.
    #[must_use]
    pub fn silent_for() -> Duration {
        last_beat().elapsed()
    }

    fn beat(&self) {
        *last_beat() = Instant::now();
    }

    #[allow(clippy::needless_pass_by_value, reason = "called by the derive")]
    fn say(&self, line: QString) -> bool {
        writeln!(io::stdout(), "{line}").is_ok()
    }

    #[allow(clippy::needless_pass_by_value, reason = "called by the derive")]
    fn complain(&self, line: QString) {
        eprintln!("error: {line}");
    }
}

impl Default for Invocation {
    fn default() -> Self {
        let mut it = Self {
            base: Default::default(),
            folder: Default::default(),
            without: Default::default(),
            shot: Default::default(),
            drives_itself: Default::default(),
            say: Default::default(),
            complain: Default::default(),
            beat: Default::default(),
        };
        if let Some(Called { arguments, drives_itself }) = CALLED.get() {
            let text = |text: &std::ffi::OsStr| QString::from(&*text.to_string_lossy());
            it.folder = text(arguments.folder.path.as_os_str());
            it.without = arguments.folder.without.iter().map(|name| text(name)).collect();
            it.shot = text(arguments.shot.as_deref().unwrap_or("".as_ref()).as_os_str());
            it.drives_itself = *drives_itself;
        }
        it
    }
}

impl mpqt::QmlType for Invocation {}
