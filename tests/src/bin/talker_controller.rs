//! A controller of a child that prints; the test reads the controller's own stdout and stderr, or
//! does not: `talker_controller inherit|null|captured|blocked`.

use std::fs;
use std::io::Write as _;
use std::sync::mpsc;

use mpcore::OutputMode;
use rustix::io::{Errno, ioctl_fionbio, write};
use system_tests::talker::{TalkerControl, TalkerProcess};
use system_tests::transport::transport;
use system_tests::{Blob, LONG, outcome, until};

fn say(line: &str) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).expect("the test listens");
}

fn text(text: &str) -> Blob {
    Blob(text.into())
}

/// A talker, and the captured lines.
fn talker(output: OutputMode) -> (TalkerControl, mpsc::Receiver<String>) {
    let builder = TalkerControl::builder().child::<TalkerProcess>().transport(transport());
    let talker = builder.stdout(output).stderr(output).build().expect("it can be made");
    let (sender, heard) = mpsc::channel();
    let to_stderr = sender.clone();
    talker.process().signals().stdout_line.connect(move |line| {
        let _ = sender.send(format!("out {line}"));
    });
    talker.process().signals().stderr_line.connect(move |line| {
        let _ = to_stderr.send(format!("err {line}"));
    });
    talker.process().start().expect("it starts");
    talker.process().wait_ready(LONG).expect("it gets ready");
    (talker, heard)
}

fn main() {
    mpcore::init();
    match std::env::args().nth(1).as_deref() {
        Some("inherit") => print_everywhere(OutputMode::Inherit),
        Some("null") => print_everywhere(OutputMode::Null),
        Some("captured") => print_everywhere(OutputMode::Captured),
        Some("blocked") => with_a_blocked_stderr(),
        other => panic!("no way {other:?}"),
    }
}

fn print_everywhere(output: OutputMode) {
    let (talker, heard) = talker(output);
    let (sender, finished) = mpsc::channel();
    talker.process().signals().finished.connect(move |_| {
        let _ = sender.send(());
    });
    outcome(talker.say(text("from stdout\n"))).expect("it prints");
    outcome(talker.complain(text("from stderr\n"))).expect("it prints");
    let _ = outcome(talker.abort());
    // All lines have been delivered by then, though not when `join` returns.
    finished.recv_timeout(LONG).expect("the end is reported");
    let mut heard: Vec<_> = heard.try_iter().filter(|line| line.contains("from")).collect();
    heard.sort_unstable();
    say(&format!("heard {heard:?}"));
    let report = talker.process().exit_report().expect("it has crashed");
    let last = report.stderr.iter().any(|line| line == "from stderr");
    say(&format!("last words {last}"));
}

/// The stderr of this process is not read.
fn with_a_blocked_stderr() {
    let stderr = std::io::stderr();
    ioctl_fionbio(&stderr, true).expect("it is a pipe");
    while write(&stderr, &[b'x'; 4096]) != Err(Errno::AGAIN) {}
    while write(&stderr, b"x") != Err(Errno::AGAIN) {}
    ioctl_fionbio(&stderr, false).expect("it is a pipe");
    let (loud, _) = talker(OutputMode::Inherit);
    outcome(loud.complain(text("nobody reads this\n"))).expect("there is room in its pipe");
    until("the thread that passes on is held up", passing_on_is_held_up);
    loud.count_on_stderr(0, 100_000, "th line that nobody reads".into());

    let (quiet, heard) = talker(OutputMode::Captured);
    outcome(quiet.say(text("a line\n"))).expect("it prints");
    outcome(quiet.complain(text("last words\n"))).expect("it prints");
    let mut lines: Vec<_> = (0..2).map(|_| heard.recv_timeout(LONG).expect("a line")).collect();
    lines.sort_unstable();
    say(&format!("heard {lines:?}"));
    let _ = outcome(quiet.abort());
    let _ = quiet.process().join(LONG);
    say(&format!("quiet {:?}", quiet.process().exit_report().expect("it crashed").stderr[0]));

    loud.process().kill();
    let _ = loud.process().join(LONG);
    let report = loud.process().exit_report().expect("it was killed");
    let last = report.stderr.iter().any(|line| line.contains("th line that nobody reads"));
    say(&format!("loud {last}"));
    // Output that is still to be forwarded never will be.
    std::process::exit(0);
}

/// Whether `mp-stderr` is blocked in a write to stderr.
fn passing_on_is_held_up() -> bool {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks.into_iter().any(|task| {
        let read = |name| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        read("comm").trim() == "mp-stderr" && read("syscall").split(' ').nth(1) == Some("0x2")
    })
}
