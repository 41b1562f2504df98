//! Two children in one window: every object in QML has a process of its own, and killing one does
//! not disturb the other.
//!
//! Run: `cargo run -p examples-qt --bin two_children_qml`

use std::process::ExitCode;

/// The interface.
#[mpcore::process]
trait Counter {
    /// Increments the counter; signal `counted(u32)`.
    #[signal(name = "counted")]
    fn count(&mut self) -> u32;
}

/// The child.
#[derive(mpcore::Child)]
#[child(Counter)]
struct CounterProcess {
    #[child(default)]
    count: u32,
}

impl Counter for CounterProcess {
    fn count(&mut self) -> u32 {
        self.count += 1;
        self.count
    }
}

mpqt::qobject! { struct CounterObject: CounterControl, child = CounterProcess }

fn main() -> Result<ExitCode, mpqt::RunError> {
    mpqt::init();
    mpqt::register::<CounterObject>("Example", 1, 0, "Counter");
    mpqt::run(include_str!("main.qml"))
}
