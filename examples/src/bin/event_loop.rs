//! A hand-written event loop: how any toolkit can be integrated, and why it stays responsive.
//!
//! Run: `cargo run -p examples --bin event_loop`
//!
//! mpcore needs a loop that can be woken from another thread and then calls `drain`. In return it
//! never holds the loop up: draining keeps to a time budget, so the loop goes on ticking while a
//! child floods it.

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

/// The field that the derive fills in may have a name other than `cx`.
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

/// The entries of the loop's queue. A real one has mouse, keyboard and paint events.
enum Event {
    /// There are signals in the inbox.
    Signals,
    Quit,
}

#[mpcore::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (queue, events) = mpsc::channel();

    // `wake` runs on other threads and only posts an event.
    let wake = queue.clone();
    let inbox = Inbox::new(move || wake.send(Event::Signals).unwrap_or_default());
    let sensor = SensorControl::builder().child::<SensorProcess>().inbox(&inbox).spawn()?;

    // The handlers run in `drain`, and so on this thread.
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
            ticks += 1; // a real application would draw a clock
            next_tick = now + TICK;
        }
        match events.recv_timeout(next_tick - now) {
            Ok(Event::Signals) => {
                // If the budget was used up, the inbox has already queued another wake-up, behind
                // all other entries of the queue.
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
