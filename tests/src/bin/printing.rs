//! A controller with unusual standard streams, whose child prints, and looks at its stdout and its
//! own name: `printing REPORT MODE …`. It writes its findings to the file REPORT.

use std::fs;
use std::io::{IsTerminal as _, Read as _};
use std::thread;

use mpcore::OutputMode;
use system_tests::outcome;

/// A child that prints, and returns what it sees of its streams.
#[mpcore::process(config = String)]
trait Printer {
    /// Prints to stdout or stderr.
    fn say(&mut self, text: String, stderr: bool);
    fn on_terminal(&mut self) -> bool;
    /// Returns the type of its stdout.
    fn stdout_is(&mut self) -> String;
    /// Returns the name that it was called by.
    fn called(&mut self) -> String;
    /// Returns the number of bytes, which takes every lane.
    fn weigh(&mut self, bytes: Vec<u8>) -> usize;
}

#[derive(mpcore::Child)]
#[child(Printer)]
struct PrinterProcess {
    /// A file to create at the end of `cleanup`.
    config: String,
}

impl Printer for PrinterProcess {
    fn say(&mut self, text: String, stderr: bool) {
        println!("{text}");
        if stderr {
            eprintln!("{text}");
        }
    }

    fn on_terminal(&mut self) -> bool {
        std::io::stdout().is_terminal()
    }

    fn stdout_is(&mut self) -> String {
        fs::read_link("/proc/self/fd/1")
            .map_or_else(|it| it.to_string(), |it| it.display().to_string())
    }

    fn called(&mut self) -> String {
        std::env::args().next().unwrap_or_default()
    }

    fn weigh(&mut self, bytes: Vec<u8>) -> usize {
        bytes.len()
    }

    fn cleanup(&mut self) {
        for _ in 0..100 {
            println!("stdout of cleanup");
            eprintln!("stderr of cleanup");
        }
        if !self.config.is_empty() {
            let _ = fs::write(&self.config, "done");
        }
    }
}

fn spawn(cleaned_up: &str, output: OutputMode) -> PrinterControl {
    let builder = PrinterControl::builder().child::<PrinterProcess>().config(cleaned_up.to_owned());
    builder.stdout(output).stderr(output).spawn().expect("it can be started")
}

fn close(descriptors: &str) {
    for descriptor in descriptors.split(',') {
        let number: i32 = descriptor.parse().expect("a number");
        nix::unistd::close(number).expect("it was open");
    }
}

#[mpcore::main]
fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (report, mode) = (arguments[0], &arguments[1..]);
    let told = match mode {
        // Prints a line, waits until stdin ends, and prints again repeatedly.
        ["reader-gone"] => {
            let printer = spawn("", OutputMode::Inherit);
            let first = outcome(printer.say("first".into(), false));
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            let then = (0..100).map(|_| outcome(printer.say("again".into(), false)));
            let failed = then.filter(Result::is_err).count();
            format!("first {first:?}, then {failed} failed")
        }
        ["count", count] => {
            let printer = spawn("", OutputMode::Inherit);
            for number in 0..count.parse().expect("a number") {
                let _ = printer.say(number.to_string(), false);
            }
            format!("{:?}", outcome(printer.say("the last".into(), false)))
        }
        ["look"] => {
            let printer = spawn("", OutputMode::Inherit);
            let terminal = outcome(printer.on_terminal());
            format!("{terminal:?} {}", outcome(printer.stdout_is()).unwrap_or_default())
        }
        ["called"] => outcome(spawn("", OutputMode::Null).called()).unwrap_or_default(),
        ["closed", descriptors, when, output] => {
            let output = match *output {
                "inherit" => OutputMode::Inherit,
                "captured" => OutputMode::Captured,
                _ => OutputMode::Null,
            };
            // Starts a child before, so that the runtime's own descriptors exist already.
            let before = (*when == "between").then(|| spawn("", output));
            if let Some(before) = &before {
                outcome(before.say("before".into(), true)).expect("it prints");
            }
            close(descriptors);
            let printer = spawn("", output);
            let mut told = Vec::new();
            for printer in before.iter().chain([&printer]) {
                eprintln!("a line of the controller's");
                // Like `println!`, which would panic where stdout was closed for writing.
                let said = outcome(printer.say("a line".into(), true));
                let weighed = outcome(printer.weigh(vec![7; 300_000]));
                eprintln!("another one");
                let lines = outcome(printer.say("one more".into(), true));
                told.push(format!("{said:?} {weighed:?} {lines:?}"));
                printer.process().stop();
                let ended = printer.process().join(system_tests::LONG);
                told.push(format!("{ended:?}"));
            }
            told.join("\n")
        }
        ["die", cleaned_up] => {
            let printer = spawn(cleaned_up, OutputMode::Inherit);
            outcome(printer.say("ready".into(), true)).expect("it prints");
            loop {
                thread::park();
            }
        }
        _ => panic!("{mode:?}"),
    };
    fs::write(report, told).expect("the report can be written");
}
