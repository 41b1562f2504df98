//! The tour: one child, its commands, its property, its signals and its life.
//!
//! Run: `cargo run -p examples --bin laser`
//!
//! The interface and the child are in `src/laser.rs`. All uses of a call are in `laser_calls`, all
//! uses of a signal in `laser_signals`.

use std::time::Duration;

use examples::laser::{LaserConfig, LaserControl, LaserProcess};

#[mpcore::main] // or `mpcore::init()` as the first statement of main
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let laser = LaserControl::new::<LaserProcess>(LaserConfig { port: "COM3".into() })?;

    // Here handlers run on a thread of their own; in a program with an event loop they run on it
    // (see `event_loop`). They are connected before the start, so that they miss nothing.
    laser.signals().add_two_finished.connect(|sum| println!("signal: the sum is {sum}"));
    laser.signals().connected_changed.connect(|on| println!("signal: connected: {on}"));
    laser.signals().power_set.connect(|watts| println!("signal: {watts} W"));
    laser.signals().exception_raised.connect(|e| println!("signal: exception: {e}"));
    laser.process().signals().finished.connect(|report| println!("signal: {report}"));

    laser.process().start()?; // `LaserControl::spawn(..)` is `new` and `start`

    // `start` did not wait for the child, and neither does this call: the signal delivers the sum.
    laser.add_two(1, 2);

    // Commands run one at a time, in the order submitted. So the 1 + 2 from above is done too when
    // this one is.
    let sum = laser.add_two(20, 22).wait()?;
    println!("20 + 22 = {sum}");

    // For code that may always block there is a blocking view of all commands.
    let (offset, gain) = laser.blocking().calibrate()?;
    println!("calibrated: offset {offset}, gain {gain}");

    // A property is mirrored: reading it sends no request.
    println!("the mirror says {} W", laser.power());
    laser.set_power(2.5); // a command; the mirror follows the child
    let refused = laser.set_power(7.0).wait();
    println!("7 W: {}", refused.unwrap_err());
    println!("the mirror says {} W", laser.power());

    let volts = laser.sweep(400.0, 500.0, 5).wait()?;
    println!("sweep: {volts:?}");

    // The lifecycle. All of this happens automatically at the end of `main`, where children are
    // stopped and joined and the last signals delivered.
    let process = laser.process();
    println!("{} is {}, pid {:?}", process.name(), process.state(), process.pid());
    process.stop(); // returns immediately
    let status = process.join(Duration::from_secs(30))?;
    println!("the end: {status}");

    // The same control, a new child. Code that may block can wait until it is ready.
    process.start()?;
    process.wait_ready(Duration::from_secs(30))?;
    println!("run {}: {}", process.generation(), laser.add_two(2, 2).wait()?);
    Ok(())
}
