//! Everything you can do with a signal: connect, disconnect, receive, hold values that are not
//! `Send`.
//!
//! Run: `cargo run -p examples --bin laser_signals`

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use examples::laser::{LaserConfig, LaserControl, LaserProcess};
use mpcore::Inbox;

const LONG: Duration = Duration::from_secs(30);
const BUDGET: Duration = Duration::from_millis(2);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // First of all: in a child it does not return. `#[mpcore::main]` would also stop the children
    // at the end of `main`, but here they have ended before.
    mpcore::init();

    // Handlers run here, on the main thread: in its own inbox, which the loop below drains. `wake`
    // is called from other threads, once per burst.
    let (wake, woken) = mpsc::channel();
    let inbox = Inbox::new(move || wake.send(()).unwrap_or_default());
    let laser = LaserControl::builder()
        .child::<LaserProcess>()
        .config(LaserConfig { port: "COM3".into() })
        .inbox(&inbox)
        .build()?;
    let signals = laser.signals();

    // A handler gets references and is called for every notification from now on.
    signals.calibrate_changed.connect(|offset, gain| println!("calibrated: {offset}, {gain}"));

    // `connect` returns a plain number; dropping it does nothing. The signal of a property calls a
    // new handler once with the current value.
    let connection = signals.power_set.connect(|watts| println!("power: {watts} W"));

    // A handler that is not `Send` may hold values of this thread, such as widgets. It gets all
    // arguments as one tuple.
    let table = Rc::new(RefCell::new(Vec::new()));
    let rows = Rc::clone(&table);
    signals.voltage.connect_local(&inbox, move |volts| rows.borrow_mut().push(*volts));

    // A handler may do anything: disconnect, call, drop controls. A handler that needs the control
    // holds a weak handle, since a control owned by its own handlers is never dropped.
    let weak = laser.downgrade();
    signals.sweep_finished.connect(move |volts| {
        println!("swept: {} values", volts.len());
        let Some(laser) = weak.upgrade() else { return };
        laser.signals().power_set.disconnect(connection);
        laser.set_power(2.0); // no handler is called
        let weak = laser.downgrade();
        laser.warm_up(50).on_done(move |_| {
            weak.upgrade().inspect(|laser| laser.process().stop());
        });
    });

    // Without a handler: a stream, for a thread that would rather wait. `position` is a `latest`
    // event: only the newest of those that wait in the inbox is delivered.
    let positions = signals.position.receiver();
    let ends = laser.process().signals().finished.receiver();

    laser.process().start()?;
    laser.calibrate();
    laser.sweep(400.0, 500.0, 5);

    let report = loop {
        woken.recv_timeout(LONG)?;
        inbox.drain(BUDGET);
        if let Some((report,)) = ends.try_recv() {
            break report; // the last signal of all
        }
    };

    println!("local: {} voltages, the first {} V", table.borrow().len(), table.borrow()[0]);
    let newest = std::iter::from_fn(|| positions.try_recv()).last();
    let (x, y) = newest.ok_or("the stage did not move")?;
    println!("receiver: the stage is at {x}, {y}");
    println!("finished: {report}");
    Ok(())
}
