//! Everything you can do with a call: drop it, wait for it, get a callback, cancel it.
//!
//! Run: `cargo run -p examples --bin laser_calls`
//!
//! Every method of a control returns a call immediately; the command runs in the child whatever
//! happens to the call. (Awaiting one is the example `async_await`.)

use std::sync::mpsc;
use std::time::Duration;

use examples::laser::{LaserConfig, LaserControl, LaserProcess};
use mpcore::{CallError, Signal};

const A_MOMENT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(30);

/// A sweep of many minutes.
const ENDLESS: u32 = 1_000_000;

#[mpcore::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let laser = LaserControl::spawn::<LaserProcess>(LaserConfig { port: "COM3".into() })?;

    // Dropped: the command runs, and its outcome is ignored.
    laser.calibrate();

    // Waiting: without a limit, with one, and in short form.
    println!("wait: {}", laser.add_two(1, 2).wait()?);
    let mut call = laser.add_two(3, 4);
    println!("wait_timeout: {}", call.wait_timeout(LONG)?);
    println!("blocking: {}", laser.blocking().add_two(5, 6)?);

    // A callback, in the thread of the inbox, with this call's own outcome.
    let (tell, told) = mpsc::channel();
    laser.add_two(7, 8).on_done(move |sum| drop(tell.send(sum)));
    println!("on_done: {}", told.recv_timeout(LONG)??);

    // Sent to your own signal instead of the command's.
    let sums = Signal::<(i32,)>::new();
    let receiver = sums.receiver();
    laser.add_two(9, 10).forward_to(&sums);
    let (sum,) = receiver.recv_timeout(LONG)?;
    println!("forward_to: {sum}");

    // Waiting can end before the command does …
    let mut sweep = laser.sweep(400.0, 500.0, ENDLESS);
    let outcome = sweep.wait_timeout(A_MOMENT);
    println!("after a moment: {}", if outcome.is_err() { "no outcome yet" } else { "done" });
    // … but a cancel ends the command, as soon as it next checks. The outcome shows it.
    sweep.cancel();
    println!("cancel: {}", sweep.wait().unwrap_err());

    // A command without an error type can be cancelled as well. This one waits behind another, so
    // it never begins, and its outcome is available immediately.
    let (first, second) = (laser.sweep(0.0, 1.0, ENDLESS), laser.warm_up(ENDLESS));
    second.cancel();
    println!("never began: {}", second.wait().unwrap_err());

    // Dropping a call cancels it if that was requested, which is useful for calls kept in a struct.
    drop(first.cancel_on_drop());

    // An error that a command raises keeps its own type, beside the other ways to end.
    laser.set_power(0.0).wait()?;
    match laser.sweep(0.0, 1.0, 10).wait() {
        Err(CallError::Raised(error)) => println!("raised: {error}"),
        other => println!("unexpected: {other:?}"),
    }

    // However a child ends, every call has an outcome.
    let last = laser.warm_up(ENDLESS);
    laser.process().kill();
    println!("killed: {}", last.wait().unwrap_err());
    Ok(())
}
