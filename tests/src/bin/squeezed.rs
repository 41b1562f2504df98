//! A child that cannot start threads for a while, during a command with a deadline: run it as a
//! user without other processes, and not as root, because limits do not apply to root. It prints
//! how that command ends.

use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use system_tests::{LONG, outcome};

/// A child that forbids itself new threads.
#[mpcore::process]
trait Squeezed {
    /// From now on no thread can be started.
    fn squeeze(&mut self);
    /// Allows threads again after its deadline, and then checks whether it is asked to end.
    fn work(&mut self) -> mpcore::Result<()>;
}

#[derive(mpcore::Child)]
#[child(Squeezed)]
struct SqueezedProcess {
    cx: SqueezedContext,
}

fn allow_threads(current: Option<u64>) {
    let maximum = getrlimit(Resource::Nproc).maximum;
    setrlimit(Resource::Nproc, Rlimit { current, maximum }).expect("a soft limit");
}

impl Squeezed for SqueezedProcess {
    fn squeeze(&mut self) {
        allow_threads(Some(1));
    }

    fn work(&mut self) -> mpcore::Result<()> {
        std::thread::sleep(Duration::from_millis(500));
        allow_threads(getrlimit(Resource::Nproc).maximum);
        let begun = Instant::now();
        while begun.elapsed() < LONG / 2 {
            self.cx.check_cancelled()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

#[mpcore::main]
fn main() {
    let builder = SqueezedControl::builder().child::<SqueezedProcess>();
    let child = builder.stdout(mpcore::OutputMode::Null).spawn().expect("it can be started");
    outcome(child.squeeze()).expect("a soft limit can be set");
    let call = child.work().timeout(Duration::from_millis(200));
    println!("ended {:?}", outcome(call));
}
