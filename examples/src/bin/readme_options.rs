//! The README's fully configured child, word for word.
//!
//! Run: `cargo run -p examples --bin readme_options`

use std::time::Duration;

use mpcore::{ChildLimits, Escalation, ExitPolicy, OutputMode, RestartPolicy};

#[mpcore::process]
trait Laser {
    #[timeout = "5s"]
    fn add_two(&mut self, num1: i32, num2: i32) -> i32;
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct LaserProcess {}

impl Laser for LaserProcess {
    fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
        num1 + num2
    }
}

#[mpcore::main]
#[rustfmt::skip] // the comments stand as they do in the README
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let laser = LaserControl::builder()
        .child::<LaserProcess>()
        .restart(RestartPolicy::on_crash())                  // with backoff, and an end to it
        .on_unresponsive(Escalation::Restart)                // a process that stands still
        .on_timeout(Escalation::Kill)                        // a command that ignores its #[timeout = "5s"]
        .at_exit(ExitPolicy::Finish(Duration::from_secs(10)))    // what is queued is done, at most for so long
        .limits(ChildLimits::new().memory(2 << 30))          // set by the child, before anything of yours runs
        .stderr(OutputMode::Captured)                            // line by line, as a signal
        .spawn()?;

    laser.add_two(20, 22).on_done(|sum| println!("{sum:?}"));
    Ok(())
}
