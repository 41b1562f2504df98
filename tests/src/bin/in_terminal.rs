//! The foreground process of a terminal, whose child does what background processes must not:
//! `in_terminal`. With `defiant`, the child is a program that undoes what it has inherited and
//! writes to the terminal; with `hang-up`, the process waits until the terminal is gone and ignores
//! the signal that comes then.
//!
//! It prints the result of each.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{SigHandler, Signal, signal};
use system_tests::{LONG, outcome, processes, until};

/// A child that uses the terminal.
#[mpcore::process]
trait Typist {
    /// Prints to the terminal.
    fn print(&mut self) -> mpcore::Result<()>;
    /// Reads from it.
    fn read(&mut self) -> Option<i32>;
    /// Runs a shell with this script; returns whether it succeeded.
    fn run(&mut self, script: String) -> mpcore::Result<bool>;
    /// Runs a program that the terminal stops, until it ends or the command is asked to end.
    fn run_defiant(&mut self) -> mpcore::Result<bool>;

    #[property]
    fn helper(&self) -> u32;
}

#[derive(mpcore::Child)]
#[child(Typist)]
struct TypistProcess {
    cx: TypistContext,
}

fn print() -> std::io::Result<()> {
    OpenOptions::new().write(true).open("/dev/tty")?.write_all(b"printed\n")
}

impl Typist for TypistProcess {
    fn print(&mut self) -> mpcore::Result<()> {
        Ok(print()?)
    }

    fn read(&mut self) -> Option<i32> {
        let read = File::open("/dev/tty").and_then(|mut terminal| terminal.read(&mut [0; 10]));
        read.err().and_then(|error| error.raw_os_error())
    }

    fn run(&mut self, script: String) -> mpcore::Result<bool> {
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).stdin(Stdio::null()).stderr(Stdio::null());
        Ok(shell.status()?.success())
    }

    fn run_defiant(&mut self) -> mpcore::Result<bool> {
        let mut helper = Command::new(std::env::current_exe()?).arg("defiant").spawn()?;
        self.cx.helper.set(helper.id());
        loop {
            if let Some(status) = helper.try_wait()? {
                return Ok(status.success());
            }
            self.cx.check_cancelled()?;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Uses the terminal until it is gone, and prints what still works then.
fn until_hung_up() {
    let typist = TypistControl::builder().child::<TypistProcess>().spawn().expect("it starts");
    println!("printed {:?}", outcome(typist.print()).is_ok());
    println!("child {}", typist.process().pid().unwrap_or_default());
    until("the terminal is gone", || outcome(typist.print()).is_err());
    println!("state {}", typist.process().state());
    println!("reads {:?}", outcome(typist.read()));
    // So that the test can observe it from outside.
    std::thread::sleep(Duration::from_secs(2));
    println!("runs {:?}", outcome(typist.run("exit 0".into())).ok());
    typist.process().stop();
    println!("stopped {:?}", typist.process().join(LONG).map(mpcore::ProcessEnd::code));
}

fn main() {
    mpcore::init();
    if std::env::args().nth(1).as_deref() == Some("hang-up") {
        return until_hung_up();
    }
    if std::env::args().nth(1).as_deref() == Some("defiant") {
        // SAFETY: no handler is set.
        unsafe { signal(Signal::SIGTTOU, SigHandler::SigDfl) }.expect("the action can be set");
        print().expect("it is stopped before it fails");
        return;
    }
    // Makes the terminal stop background processes that print.
    let set = Command::new("stty").arg("tostop").status().expect("there is a terminal");
    println!("tostop {}", set.success());
    let typist = TypistControl::builder().child::<TypistProcess>().spawn().expect("it starts");
    println!("print {:?}", outcome(typist.print()).is_ok());
    println!("read {:?}", outcome(typist.read()));
    println!("set {:?}", outcome(typist.run("stty -F /dev/tty -echo".into())).ok());
    println!("prints {:?}", outcome(typist.run("echo printed > /dev/tty".into())).ok());
    println!("reads {:?}", outcome(typist.run("read line < /dev/tty".into())).ok());
    let call = typist.run_defiant();
    until("the helper is stopped", || {
        typist.helper() != 0 && processes::state(typist.helper()) == Some('T')
    });
    let child = typist.process().pid().and_then(processes::state);
    println!("child {}", child != Some('T'));
    call.cancel();
    println!("defiant {:?}", outcome(call).map_err(|error| error.is_ended_on_request()));
    typist.process().stop();
    println!("stopped {:?}", typist.process().join(LONG).map(mpcore::ProcessEnd::code));
    // It is killed with its group: that it ends takes a moment more.
    until("the helper's end", || processes::has_ended(typist.helper()));
    println!("helper ended");
}
