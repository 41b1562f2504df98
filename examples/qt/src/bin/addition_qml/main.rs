//! Addition in a window: another process adds two numbers, and a signal delivers the sum to QML.
//!
//! Run: `cargo run -p examples-qt --bin addition_qml`

use std::process::ExitCode;

/// The interface, in both processes.
#[mpcore::process]
trait Adder {
    #[signal(name = "add_two_finished")]
    fn add_two(&mut self, num1: i32, num2: i32) -> i32;
}

/// The child: runs in the other process.
#[derive(mpcore::Child)]
#[child(Adder)]
struct AdderProcess {}

impl Adder for AdderProcess {
    fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
        num1.wrapping_add(num2)
    }
}

// The type that QML knows as `Adder`: `add_two` is a method, `add_two_finished` a signal.
mpqt::qobject! { struct AdderObject: AdderControl, child = AdderProcess }

fn main() -> Result<ExitCode, mpqt::RunError> {
    mpqt::init(); // first: the child is this program, started again
    mpqt::register::<AdderObject>("Example", 1, 0, "Adder");
    mpqt::run(include_str!("main.qml"))
}
