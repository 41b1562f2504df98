//! An event loop written by hand: how any toolkit takes part, and why it stays alive.
//!
//! Run: `cargo run -p examples --bin event_loop`
//!
//! All that mpcore asks of a loop is that it can be woken from another thread, and calls `drain`
//! then. All that the loop asks of mpcore is not to be held: draining keeps to a time budget, so the
//! loop goes on ticking while a child floods it.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use mpcore::Inbox;

const TICK: Duration = Duration::from_millis(10);
const BUDGET: Duration = Duration::from_millis(2);

const FLOOD: u32 = 100_000;

#[mpcore::process]
trait Sensor {
    /// Signal `flood_finished`.
    #[signal(postfix = "_finished")]
    fn flood(&mut self, count: u32);

    #[event]
    fn sample(&self, number: u32);
}

/// The field that the derive fills in may have another name than `cx`.
#[derive(mpcore::Child)]
#[child(Sensor)]
struct SensorProcess {
    #[child(cx)]
    to_controller: SensorContext,
    #[child(default = 1)]
    next: u32,
}

impl Sensor for SensorProcess {
    fn flood(&mut self, count: u32) {
        for _ in 0..count {
            self.to_controller.sample.emit(self.next);
            self.next += 1;
        }
    }
}

/// What the loop's queue holds. In a real one: mouse, keyboard, paint.
enum Event {
    /// There are signals in the inbox.
    Signals,
    Quit,
}

#[mpcore::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (queue, events) = mpsc::channel();

    // `wake` runs on other threads and does only this.
    let wake = queue.clone();
    let inbox = Inbox::new(move || wake.send(Event::Signals).unwrap_or_default());
    let sensor = SensorControl::builder().child::<SensorProcess>().inbox(&inbox).spawn()?;

    // The handlers run in `drain`, so on this thread.
    let (mut samples, mut in_order) = (0, true);
    let (count, counted) = mpsc::channel();
    sensor.signals().sample.connect(move |number| {
        samples += 1;
        in_order &= *number == samples;
        if samples == FLOOD {
            let _ = count.send(in_order);
        }
    });
    sensor.signals().flood_finished.connect(move || queue.send(Event::Quit).unwrap_or_default());
    sensor.flood(FLOOD);

    let (mut ticks, mut drains) = (0, 0);
    let mut next_tick = Instant::now() + TICK;
    loop {
        let now = Instant::now();
        if now >= next_tick {
            ticks += 1; // here a clock would be drawn
            next_tick = now + TICK;
        }
        match events.recv_timeout(next_tick - now) {
            Ok(Event::Signals) => {
                // When the budget was used up, the inbox has put another wake-up at the end of the
                // queue: behind everything else that waits there.
                inbox.drain(BUDGET);
                drains += 1;
            }
            Ok(Event::Quit) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(gone @ mpsc::RecvTimeoutError::Disconnected) => return Err(gone.into()),
        }
    }
    println!("all {FLOOD} samples came, in order: {}", counted.try_recv()?);
    println!("they took {drains} turns of the loop, which ticked {ticks} times meanwhile");
    Ok(())
}
