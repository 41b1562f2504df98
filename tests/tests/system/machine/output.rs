//! The output of a child: captured line by line, in order and before the end, passed on, or
//! discarded; drops are counted; and its last stderr lines are known in every mode.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mpcore::{CallError, ExitReport, Inbox, OutputMode, OutputStream, ProcessState};
use system_tests::controller_program::ControllerProgram;
use system_tests::talker::{TalkerControl, builder};
use system_tests::{Blob, Journal, LONG, in_own_process, outcome, processes, until};

const CHILD: &str = env!("CARGO_BIN_EXE_talker_child");
const CONTROLLER: &str = env!("CARGO_BIN_EXE_talker_controller");

fn text(text: impl Into<Vec<u8>>) -> Blob {
    Blob(text.into())
}

/// Records `out …`, `err …`, `gap STREAM COUNT` and `finished`.
fn listen(talker: &TalkerControl) -> Journal {
    let journal = Journal::new();
    let signals = talker.process().signals();
    let out = journal.clone();
    signals.stdout_line.connect(move |line| out.note(format!("out {line}")));
    let err = journal.clone();
    signals.stderr_line.connect(move |line| err.note(format!("err {line}")));
    let gap = journal.clone();
    signals
        .lines_dropped
        .connect(move |dropped| gap.note(format!("gap {} {}", dropped.stream, dropped.lines)));
    let end = journal.clone();
    signals.finished.connect(move |_| end.note("finished"));
    journal
}

/// Returns a captured talker that is not started yet, and its journal.
fn captured() -> (TalkerControl, Journal) {
    let talker = builder(CHILD, OutputMode::Captured).build().unwrap();
    let journal = listen(&talker);
    (talker, journal)
}

#[track_caller]
fn stop(talker: &TalkerControl) -> Arc<ExitReport> {
    talker.process().stop();
    assert!(talker.process().join(LONG).is_ok(), "it does not end");
    talker.process().exit_report().unwrap()
}

// ---- captured

#[test]
fn lines_arrive_as_they_were_written() {
    let long = "x".repeat(100_000);
    let cut = format!("{}… [{} more bytes]", &long[..64 << 10], 100_000 - (64 << 10));
    let cases: [(&[u8], &[&str]); 8] = [
        (b"one\n", &["one"]),
        (b"one\ntwo\n\nthree\n", &["one", "two", "", "three"]),
        (b"with a carriage\r\nreturn\r\n", &["with a carriage", "return"]),
        ("grün 😀\n".as_bytes(), &["grün 😀"]),
        (b"not \xFF text\n\xC3\n", &["not \u{FFFD} text", "\u{FFFD}"]),
        (b"with \0 in it\n", &["with \0 in it"]),
        (&[long.as_bytes(), b"\nnext\n"].concat(), &[&cut, "next"]),
        (b"the last one has no end", &["the last one has no end"]),
    ];
    for (bytes, expected) in cases {
        let (talker, journal) = captured();
        talker.process().start().unwrap();
        outcome(talker.say(text(bytes))).unwrap();
        assert_eq!(stop(&talker).lines_dropped, 0);
        let mut lines: Vec<_> = expected.iter().map(|line| format!("out {line}")).collect();
        lines.push("finished".into());
        assert_eq!(journal.until_line("finished"), lines);
    }
}

#[test]
fn captured_lines_arrive_in_order_before_the_end() {
    const LINES: u32 = 100_000;
    let (talker, journal) = captured();
    talker.process().start().unwrap();
    talker.count(0, LINES, String::new());
    outcome(talker.count_on_stderr(0, LINES, String::new())).unwrap();
    let report = stop(&talker);
    let heard = journal.until_line("finished");
    assert_eq!(heard.last().unwrap(), "finished");
    for stream in ["out ", "err "] {
        let lines: Vec<_> = heard.iter().filter_map(|line| line.strip_prefix(stream)).collect();
        assert_eq!(lines.len(), LINES as usize, "{stream}");
        assert!(lines.iter().enumerate().all(|(index, line)| *line == index.to_string()));
    }
    assert_eq!(report.lines_dropped, 0);
    assert_eq!(report.stderr.len(), 64);
    assert_eq!(report.stderr[63], (LINES - 1).to_string());
}

#[test]
fn a_child_killed_in_mid_line_delivers_its_last_byte() {
    let (talker, journal) = captured();
    talker.process().start().unwrap();
    outcome(talker.say(text("a whole line\nhalf a li"))).unwrap();
    outcome(talker.complain(text("and half a word of compl"))).unwrap();
    processes::kill(talker.process().pid().unwrap());
    let mut heard = journal.until_line("finished");
    assert_eq!(heard.pop().unwrap(), "finished");
    heard.sort_unstable();
    assert_eq!(heard, ["err and half a word of compl", "out a whole line", "out half a li"]);
    let report = talker.process().exit_report().unwrap();
    assert_eq!(
        (report.state, &report.stderr[..]),
        (ProcessState::Crashed, &["and half a word of compl".to_owned()][..])
    );
}

#[test]
fn every_run_is_captured() {
    let (talker, journal) = captured();
    for run in ["first\n", "second, without an end"] {
        talker.process().start().unwrap();
        outcome(talker.say(text(run))).unwrap();
        stop(&talker);
    }
    let expected = ["out first", "finished", "out second, without an end", "finished"];
    assert_eq!(journal.until_lines("finished", 2), expected);
}

#[test]
fn one_stream_can_be_captured_and_the_other_not() {
    let talker = builder(CHILD, OutputMode::Null).stderr(OutputMode::Captured).build().unwrap();
    let journal = listen(&talker);
    talker.process().start().unwrap();
    outcome(talker.say(text("unheard\n"))).unwrap();
    outcome(talker.complain(text("heard\n"))).unwrap();
    stop(&talker);
    assert_eq!(journal.until_line("finished"), ["err heard", "finished"]);
}

#[test]
fn a_process_that_keeps_the_pipe_open_does_not_delay_the_end() {
    for talking in ["silent", "talking"] {
        let (talker, journal) = captured();
        talker.process().start().unwrap();
        outcome(talker.say(text("mine\n"))).unwrap();
        let heir = match talking {
            "silent" => outcome(talker.leave_an_heir()).unwrap(),
            _ => outcome(talker.leave_a_talking_heir()).unwrap(),
        };
        outcome(talker.complain(text("last words\n"))).unwrap();
        let killed = std::time::Instant::now();
        processes::kill(talker.process().pid().unwrap());
        let heard = journal.until_line("finished");
        println!("{talking} heir: finished {:?} after the kill", killed.elapsed());
        assert!(!processes::has_ended(heir), "it holds both pipes still");
        assert_eq!(heard.last().unwrap(), "finished");
        assert!(heard.contains(&"out mine".to_owned()));
        assert!(heard.contains(&"err last words".to_owned()));
        let report = talker.process().exit_report().unwrap();
        if talking == "silent" {
            assert_eq!(report.stderr, ["last words"]);
        }
        // The next run is not disturbed, and no output of the heir arrives any more.
        talker.process().start().unwrap();
        outcome(talker.say(text("next\n"))).unwrap();
        stop(&talker);
        let next = journal.until_lines("finished", 2);
        assert_eq!(next[heard.len()..], ["out next", "finished"], "{talking}");
        processes::kill(heir);
        processes::until_ended(&[heir]);
    }
}

// ---- floods

/// Counts numbered lines and gaps; the count is the number of the next line, as long as none is
/// missing or out of order.
fn count_lines(talker: &TalkerControl) -> Arc<(AtomicU64, AtomicU64, Mutex<Vec<String>>)> {
    let counted = Arc::new((AtomicU64::new(0), AtomicU64::new(0), Mutex::new(Vec::new())));
    let signals = talker.process().signals();
    let lines = Arc::clone(&counted);
    signals.stdout_line.connect(move |line| {
        let number: u64 = line.split(' ').next().unwrap().parse().unwrap();
        let expected = lines.0.fetch_add(1, Ordering::SeqCst);
        if number != expected {
            lines.2.lock().unwrap().push(format!("{number} instead of {expected}"));
        }
    });
    let gaps = Arc::clone(&counted);
    signals.lines_dropped.connect(move |gap| {
        assert_eq!(gap.stream, OutputStream::Stdout);
        gaps.0.fetch_add(gap.lines, Ordering::SeqCst);
        gaps.1.fetch_add(gap.lines, Ordering::SeqCst);
    });
    counted
}

#[test]
fn a_flood_into_a_busy_inbox_is_bounded_and_blocks_no_child() {
    in_own_process(
        "machine::output::a_flood_into_a_busy_inbox_is_bounded_and_blocks_no_child",
        flood_a_busy_inbox,
    );
}

fn flood_a_busy_inbox() {
    const LINES: u32 = 1_000_000;
    let inbox = Inbox::new(|| {});
    let talker = builder(CHILD, OutputMode::Captured).inbox(&inbox).build().unwrap();
    let counted = count_lines(&talker);
    talker.process().start().unwrap();
    talker.process().wait_ready(LONG).unwrap();
    let before = processes::resident_mib(std::process::id());
    // 100 MB while the inbox's thread is busy all the time: the child still completes.
    outcome(talker.count(0, LINES, format!(" {}", "x".repeat(93)))).unwrap();
    // And its calls and events are not delayed.
    outcome(talker.say(text(""))).unwrap();
    talker.process().stop();
    assert!(talker.process().join(LONG).is_ok());
    let grown = processes::resident_mib(std::process::id()).saturating_sub(before);
    let report = talker.process().exit_report().unwrap();
    println!("100 MB of lines: memory grew by {grown} MiB, {} lines dropped", report.lines_dropped);
    assert!(grown < 50, "{grown} MiB");
    assert!(report.lines_dropped > u64::from(LINES) / 2, "{}", report.lines_dropped);
    while inbox.drain(Duration::from_millis(50)).more {}
    assert_eq!(counted.2.lock().unwrap().first(), None);
    assert_eq!(counted.0.load(Ordering::SeqCst), u64::from(LINES), "each received or counted");
    assert_eq!(counted.1.load(Ordering::SeqCst), report.lines_dropped);
}

#[test]
fn each_gap_is_reported_in_its_place() {
    const WAVE: u32 = 300_000;
    let inbox = Inbox::new(|| {});
    let talker = builder(CHILD, OutputMode::Captured).inbox(&inbox).build().unwrap();
    let counted = count_lines(&talker);
    let (gaps, finished) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let count = |of: &Arc<AtomicU64>| {
        let counter = Arc::clone(of);
        move || {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    };
    let (gap, end) = (count(&gaps), count(&finished));
    talker.process().signals().lines_dropped.connect(move |_| gap());
    talker.process().signals().finished.connect(move |_| end());
    talker.process().start().unwrap();
    let filling = format!(" {}", "x".repeat(93));
    for wave in 0..3 {
        // More than fits while nothing is drained, then everything is drained.
        outcome(talker.count(wave * WAVE, (wave + 1) * WAVE, filling.clone())).unwrap();
        until("the gap is reported", || {
            inbox.drain(Duration::from_millis(50));
            gaps.load(Ordering::SeqCst) == u64::from(wave) + 1
        });
    }
    // Finally both at once; whether it has gaps depends on timing.
    let last = talker.count(3 * WAVE, 4 * WAVE, filling);
    let weak = talker.downgrade();
    last.on_done(move |_| weak.upgrade().into_iter().for_each(|it| it.process().stop()));
    until("the end", || {
        inbox.drain(Duration::from_millis(5));
        finished.load(Ordering::SeqCst) == 1
    });
    let report = talker.process().exit_report().unwrap();
    println!("{} of {} lines dropped", report.lines_dropped, 4 * WAVE);
    assert_eq!(counted.2.lock().unwrap().first(), None);
    assert_eq!(counted.0.load(Ordering::SeqCst), u64::from(4 * WAVE));
    assert_eq!(counted.1.load(Ordering::SeqCst), report.lines_dropped);
}

#[test]
fn output_without_a_listener_does_not_wait() {
    let inbox = Inbox::new(|| {});
    let talker = builder(CHILD, OutputMode::Captured).inbox(&inbox).spawn().unwrap();
    outcome(talker.count(0, 300_000, "x".repeat(100))).unwrap();
    let report = stop(&talker);
    assert_eq!(report.lines_dropped, 0);
    assert!(inbox.drain(LONG).delivered < 20, "nothing but its life");
}

// ---- destinations

#[test]
fn every_output_mode_keeps_the_last_lines() {
    let heard = r#"["err from stderr", "out from stdout"]"#;
    let cases = [("inherit", true, "[]"), ("null", false, "[]"), ("captured", false, heard)];
    for (way, passed_on, heard) in cases {
        let output = Command::new(CONTROLLER).arg(way).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{way}: {output:?}");
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stdout.lines().any(|line| line == "from stdout"), passed_on, "{way}: {stdout}");
        assert_eq!(stderr.lines().any(|line| line == "from stderr"), passed_on, "{way}: {stderr}");
        assert!(stdout.contains(&format!("heard {heard}")), "{way}: {stdout}");
        assert!(stdout.contains("last words true"), "{way}: {stdout}");
    }
}

#[test]
fn a_blocked_stderr_delays_no_captured_line_or_report() {
    // Not the file that ControllerProgram provides: a pipe that is not read.
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec {CONTROLLER} blocked 2> \"$0\"")]);
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Open for both, so that neither side waits for the other.
    let held = std::fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let mut controller = ControllerProgram::start_command(command.arg(&pipe));
    assert_eq!(controller.line("heard"), r#"["err last words", "out a line"]"#);
    assert_eq!(controller.line("quiet"), "\"last words\"");
    assert_eq!(controller.line("loud"), "true");
    assert_eq!(controller.end(), 0);
    drop(held);
}

#[test]
fn every_outcome_of_a_crash_has_the_last_lines() {
    for output in [OutputMode::Null, OutputMode::Captured] {
        let talker = builder(CHILD, output).spawn().unwrap();
        outcome(talker.complain(text("one\ntwo\nthree"))).unwrap();
        let Err(CallError::Exited(report)) = outcome(talker.abort()) else { panic!("it aborted") };
        assert_eq!(report.stderr, ["one", "two", "three"], "{output:?}");
    }
}

/// Regression: a program that ended at once lost the last output of its children.
#[test]
fn last_lines_are_on_stderr_before_the_program_ends() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_surrounded"));
    command.arg("words").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = command.spawn().unwrap();
    let (mut stdout, mut stderr) = (program.stdout.take().unwrap(), program.stderr.take().unwrap());
    let mut joined = [0; 7];
    stdout.read_exact(&mut joined).unwrap();
    assert_eq!(&joined, b"joined\n");
    // The program is about to end now, and its stderr is full.
    std::thread::sleep(Duration::from_millis(300));
    let mut words = String::new();
    stderr.read_to_string(&mut words).unwrap();
    assert!(program.wait().unwrap().success());
    assert!(words.ends_with("the last words 1\n"), "{} bytes", words.len());
}
