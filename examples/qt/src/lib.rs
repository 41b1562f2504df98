//! What the workbench and its tests share: the QML module `Workbench` and the command line.
//!
//! The children are in the package `examples`, which does not depend on Qt.

pub mod arguments;
mod invocation;

use examples::calculator::{CalculatorControl, CalculatorProcess};
use examples::digest_process::{DigestControl, DigestProcess};
use examples::load_monitor::{LoadMonitorControl, LoadMonitorProcess};

pub use invocation::Invocation;

mpqt::qobject! { pub struct CalculatorObject: CalculatorControl, child = CalculatorProcess }
mpqt::qobject! { pub struct DigestObject: DigestControl, child = DigestProcess }
mpqt::qobject! { pub struct LoadMonitorObject: LoadMonitorControl, child = LoadMonitorProcess }

/// Makes `import Workbench 1.0` work. Call it after `mpqt::init()` and before loading a document.
pub fn register() {
    mpqt::register::<CalculatorObject>("Workbench", 1, 0, "Calculator");
    mpqt::register::<DigestObject>("Workbench", 1, 0, "Digest");
    mpqt::register::<LoadMonitorObject>("Workbench", 1, 0, "LoadMonitor");
    mpqt::register::<mpqt::TimerLateness>("Workbench", 1, 0, "TimerLateness");
    mpqt::register::<Invocation>("Workbench", 1, 0, "Invocation");
}
