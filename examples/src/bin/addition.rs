//! Addition: another process adds two numbers, and a signal delivers the sum.
//!
//! Run: `cargo run -p examples --bin addition`

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
        println!("process {} adds", std::process::id());
        num1 + num2
    }
}

/// The child is this program, started again: in the child process the attribute runs the child
/// instead of this body.
#[mpcore::main]
fn main() -> Result<(), mpcore::StartError> {
    let adder = AdderControl::spawn::<AdderProcess>(())?;
    adder.signals().add_two_finished.connect(|sum| {
        println!("process {} received the sum {sum}", std::process::id());
    });
    adder.add_two(20, 22); // returns immediately

    adder.add_two(1, 2);

    // At the end of `main` a child is stopped: a command that has begun ends first, and queued
    // commands do not run. `finish` runs the queued ones first.
    adder.process().finish();
    Ok(())
}
