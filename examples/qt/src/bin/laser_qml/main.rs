//! The tour in a window: one child, its commands, its properties, its events, its failures and its life,
//! each by its name in QML.
//!
//! Run: `cargo run -p examples-qt --bin laser_qml`
//!
//! The interface and the child stand in `examples/src/laser.rs`, and know nothing of Qt.

use std::process::ExitCode;

use examples::laser::{LaserControl, LaserProcess};

mpqt::qobject! { pub struct LaserObject: LaserControl, child = LaserProcess }

fn main() -> Result<ExitCode, mpqt::RunError> {
    mpqt::init(); // first: the child is this program, started again
    mpqt::register::<LaserObject>("Lab", 1, 0, "Laser");
    mpqt::run(include_str!("main.qml"))
}
