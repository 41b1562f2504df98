//! A controller of a child `probe` with short deadlines for its start, its stop, its pings and a
//! command: `debugged [MILLISECONDS]`, by default 300. It prints how each step ends.

use std::time::Duration;

use mpcore::Escalation;
use system_tests::{LONG, outcome};

/// A child that takes time.
#[mpcore::process]
trait Probe {
    /// Runs for this long, unless it is asked to end.
    fn work(&mut self, milliseconds: u64) -> mpcore::Result<()>;
    /// Returns a variable of its environment.
    fn variable(&mut self, name: String) -> Option<String>;
}

#[derive(mpcore::Child)]
#[child(Probe)]
struct ProbeProcess {
    cx: ProbeContext,
}

impl Probe for ProbeProcess {
    fn work(&mut self, milliseconds: u64) -> mpcore::Result<()> {
        for _ in 0..milliseconds {
            self.cx.check_cancelled()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn variable(&mut self, name: String) -> Option<String> {
        std::env::var(name).ok()
    }
}

#[mpcore::main]
fn main() {
    let given = std::env::args().nth(1).and_then(|it| it.parse().ok());
    let short = Duration::from_millis(given.unwrap_or(300));
    let builder = ProbeControl::builder().child::<ProbeProcess>().name("probe");
    let builder = builder.start_deadline(short).stop_grace(short).ping_interval(short / 10);
    let builder = builder.on_unresponsive(Escalation::Kill).stdout(mpcore::OutputMode::Null);
    let probe = builder.spawn().expect("the child starts");
    println!("early {}", probe.process().wait_ready(short * 4).is_ok());
    println!("state {}", probe.process().state());
    println!("pid {}", probe.process().pid().unwrap_or_default());
    println!("ready {:?}", probe.process().wait_ready(LONG));
    println!("variable {:?}", outcome(probe.variable("MPCORE_TEST_VARIABLE".into())).ok());
    let work = probe.work(600).timeout(Duration::from_millis(50));
    println!("work {}", outcome(work).is_ok());
    probe.process().stop();
    println!("joined {:?}", probe.process().join(LONG).map(mpcore::ProcessEnd::code));
}
