//! A child among others: what it does is what a user's own surroundings change.

use std::process::Command;
use std::time::Duration;

/// A child that starts programs, and ends in more than one way.
#[mpcore::process]
pub trait Neighbour {
    /// Adds.
    fn add(&mut self, a: i32, b: i32) -> i32;

    /// Runs a program and waits for it.
    fn run(&mut self, program: String, arguments: Vec<String>) -> mpcore::Result<i32>;

    /// Sleeps for this long, whatever is asked of it.
    fn nap(&mut self, milliseconds: u64);

    /// Ends the process.
    fn exit_with(&mut self, code: i32);

    /// Prints so many lines of this text to stderr.
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
