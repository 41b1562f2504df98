//! The tour in a window: one child with its commands, properties, events, failures and lifecycle,
//! each under its name in QML.
//!
//! Run: `cargo run -p examples-qt --bin laser_qml`
//!
//! The interface and the child are in `examples/src/laser.rs` and do not depend on Qt.

use std::process::ExitCode;

use examples::laser::{LaserControl, LaserProcess};

mpqt::qobject! { pub struct LaserObject: LaserControl, child = LaserProcess }

fn main() -> Result<ExitCode, mpqt::RunError> {
    mpqt::init(); // first: the child is this program, started again
    mpqt::register::<LaserObject>("Lab", 1, 0, "Laser");
    mpqt::run(include_str!("main.qml"))
}
