//! A child whose commands are affected by the surroundings of a user's application.

use std::process::Command;
use std::time::Duration;

/// A child that starts programs and can end in several ways.
#[mpcore::process]
pub trait Neighbour {
    /// Adds.
    fn add(&mut self, a: i32, b: i32) -> i32;

    /// Runs a program and waits for it.
    fn run(&mut self, program: String, arguments: Vec<String>) -> mpcore::Result<i32>;

    /// Sleeps for this long and ignores all requests.
    fn nap(&mut self, milliseconds: u64);

    /// Ends the process.
    fn exit_with(&mut self, code: i32);

    /// Prints this many lines of this text to stderr.
    fn complain(&mut self, text: String, times: u32);
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Neighbour)]
pub struct NeighbourProcess {}

impl Neighbour for NeighbourProcess {
    fn add(&mut self, a: i32, b: i32) -> i32 {
        a + b
    }

    fn run(&mut self, program: String, arguments: Vec<String>) -> mpcore::Result<i32> {
        Ok(Command::new(program).args(arguments).status()?.code().unwrap_or(-1))
    }

    fn nap(&mut self, milliseconds: u64) {
        std::thread::sleep(Duration::from_millis(milliseconds));
    }

    fn exit_with(&mut self, code: i32) {
        std::process::exit(code);
    }

    #[allow(clippy::print_stderr)]
    fn complain(&mut self, text: String, times: u32) {
        for number in 1..=times {
            eprintln!("{text} {number}");
        }
    }
}
