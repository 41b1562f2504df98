//! Whole applications, each in a process of its own: how they load, run and end, which children and
//! objects they may have, and what is traced.

use std::fs;
use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use system_tests::LONG;

/// The output of an application, and how it ended.
#[derive(Debug)]
struct Ended {
    status: ExitStatus,
    stdout: String,
    /// The document's `console.log` output.
    logged: Vec<String>,
    stderr: String,
}

impl Ended {
    #[track_caller]
    fn with(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self:#?}");
        self
    }
}

/// Runs an application to its end, which must come.
#[track_caller]
fn run(arguments: &[&str], patience: Duration) -> Ended {
    run_logged(arguments, patience, "")
}

/// The same with a log of these targets and levels on stderr.
#[track_caller]
fn run_logged(arguments: &[&str], patience: Duration, log: &str) -> Ended {
    let mut application = Command::new(env!("CARGO_BIN_EXE_qml_application"))
        .args(arguments)
        .env("MPCORE_LOG", log)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // QML's `console` goes to stderr unchanged, even if that is not a terminal.
        .env("QT_LOGGING_RULES", "qml.debug=true;js.debug=true")
        .env("QT_FORCE_STDERR_LOGGING", "1")
        .env_remove("QT_MESSAGE_PATTERN")
        .spawn()
        .expect("it is built");
    let mut stdout = application.stdout.take().expect("piped");
    let mut stderr = application.stderr.take().expect("piped");
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text).expect("text")
    });
    let errors = thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text).expect("text")
    });
    let deadline = Instant::now() + patience;
    let status = loop {
        if let Some(status) = application.try_wait().expect("ours") {
            break status;
        }
        if Instant::now() >= deadline {
            application.kill().expect("ours");
            application.wait().expect("ours");
            let (stdout, stderr) = (reader.join().expect("read"), errors.join().expect("read"));
            panic!("{arguments:?} has not ended within {patience:?}\n{stdout}\n{stderr}");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let (stdout, stderr) = (reader.join().expect("read"), errors.join().expect("read"));
    let logged = stderr.lines().filter_map(|line| line.strip_prefix("qml: "));
    let logged = logged.map(str::to_owned).collect();
    // Qt's reports about a machine without a session are irrelevant.
    let stderr = stderr.lines().filter(|line| !line.starts_with("QStandardPaths"));
    let stderr = stderr.collect::<Vec<_>>().join("\n");
    Ended { status, stdout, logged, stderr }
}

#[test]
fn a_document_that_does_not_load_returns_the_error_text_of_qml() {
    let ended = run(&["does_not_load"], LONG).with(7);
    let lines: Vec<_> = ended.stdout.lines().collect();
    let said = [
        ("unknown property: ", ":3", "nonsense"),
        ("syntax: ", ":4", "Expected token"),
        ("unknown module: ", ":1", "No.Such.Module"),
        ("unknown type: ", ":2", "NoSuchType is not a type"),
        ("not registered in this version: ", ":", "Rig"),
        ("empty: ", "", ""),
        ("unknown handler: ", ":4", "onNo_such_signal"),
    ];
    assert_eq!(lines.len(), said.len(), "{ended:#?}");
    for (line, (what, place, words)) in lines.iter().zip(said) {
        let reports = line.strip_prefix(what).unwrap_or_else(|| panic!("{what}: {line}"));
        assert!(!reports.starts_with("ended with") && !reports.is_empty(), "{line}");
        assert!(reports.contains(place) && reports.contains(words), "{line}");
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_with_its_path() {
    let ended = run(&["missing_file"], LONG).with(0);
    assert!(ended.stdout.starts_with("`no/such/document.qml` could not be read: "), "{ended:#?}");
}

#[test]
fn a_file_finds_the_types_beside_it_and_on_the_import_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path.to_str().expect("text").to_owned()
    };
    write("Beside.qml", "import QtQml; QtObject { property int number: 8 }");
    write("modules/There/qmldir", "module There\nThing 1.0 Thing.qml\n");
    write("modules/There/Thing.qml", "import QtQml; QtObject { property int number: 10 }");
    // A name that is not valid in a URL.
    let main = write(
        "main 100% ü#1.qml",
        "import QtQuick; import There 1.0
        Item {
            Beside { id: beside }
            Thing { id: thing }
            Component.onCompleted: Qt.exit(beside.number + thing.number)
        }",
    );
    let modules = folder.path().join("modules");
    run(&["file", &main, modules.to_str().expect("text")], LONG).with(18);
}

#[test]
fn the_exit_code_is_the_documents() {
    let cases = [
        ("Item { Component.onCompleted: Qt.quit() }", 0),
        ("Item { Component.onCompleted: Qt.exit(3) }", 3),
        ("Item { Timer { interval: 1; running: true; onTriggered: Qt.exit(255) } }", 255),
        ("Item { Component.onCompleted: Qt.exit(-1) }", 1),
        ("Item { Component.onCompleted: Qt.exit(256) }", 1),
        (
            "Window { id: w; visible: true; Timer { interval: 1; running: true; onTriggered: w.close() } }",
            0,
        ),
        ("Item { Rigs.Rig { process.onReady: Qt.exit(9) } }", 9),
        (
            "Item { Rigs.Rig { process.onReady: { hang(); process.kill() } process.onFinished: Qt.exit(10) } }",
            10,
        ),
    ];
    for (document, code) in cases {
        let document = format!("import QtQuick; import Rigs 1.0 as Rigs; {document}");
        run(&["exits", &document], LONG).with(code);
    }
}

#[test]
fn a_childs_last_signals_reach_the_document() {
    let ended = run(&["says_last"], LONG).with(0);
    assert_eq!(
        ended.logged,
        [
            "counted 3000 after 3000 ticks",
            "sleep stopped",
            "add_two stopped",
            "finished, finished, cleanup: ran, 3000, 3000",
        ],
        "{ended:#?}"
    );
}

#[test]
fn the_last_signals_of_two_children_reach_qml_at_the_end() {
    let ended = run(&["both_say_last"], LONG).with(0);
    let said = |name: &str| -> Vec<_> {
        ended.logged.iter().filter_map(|line| line.strip_prefix(name)).collect()
    };
    for name in ["one: ", "two: "] {
        assert_eq!(
            said(name),
            [
                "counted 3000 after 3000 ticks",
                "sleep stopped",
                "add_two stopped",
                "finished, finished, cleanup: ran, 3000, 3000",
            ],
            "{name}{ended:#?}"
        );
    }
    assert_eq!(ended.logged.len(), 8, "{ended:#?}");
}

/// Regression: it waited for six seconds, however long the children took.
#[test]
fn an_application_waits_for_a_child_that_finishes() {
    let ended = run(&["finishes"], LONG).with(0);
    let expected = ["slept 6500", "sum 42", "finished, all queued commands are done, true"];
    assert_eq!(ended.logged, expected, "{ended:#?}");
}

#[test]
fn a_second_application_is_refused_and_the_first_goes_on() {
    let ended = run(&["second_application"], LONG).with(4);
    assert!(ended.stdout.starts_with("Err(\"there is an application object already"), "{ended:#?}");
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:#?}");
}

#[test]
fn an_application_runs_in_the_thread_of_its_inbox() {
    let ended = run(&["other_thread"], LONG).with(0);
    assert!(ended.stdout.starts_with("Err(\"the application must run in the thread"), "{ended:#?}");
    let ended = run(&["inbox_elsewhere"], LONG).with(0);
    assert!(ended.stdout.starts_with("Err(\"the application must run in the thread"), "{ended:#?}");
}

#[test]
fn a_child_can_be_a_program_of_its_own() {
    let ended = run(&["remote"], LONG).with(0);
    let [sum, rest, failure, state] = ended.logged.as_slice() else { panic!("{ended:#?}") };
    assert_eq!((sum.as_str(), rest.as_str(), state.as_str()), ("sum 42", "rest exited", "failed"));
    assert!(failure.starts_with("spawn: ") && failure.contains("no_such_program"), "{failure}");
}

#[test]
fn an_object_without_a_child_explains_what_to_do() {
    let ended = run(&["shown_without_control"], LONG).with(0);
    let why = "ShownRig has no child: write `child = ..` or `program = ..` in its `qobject!`, or \
               attach a control";
    assert_eq!(ended.logged[0], format!("Error: {why}"), "{ended:#?}");
    assert_eq!(ended.logged[1], format!("Error: {why}"));
    assert_eq!(ended.logged.len(), 3);
}

#[test]
fn controls_of_rust_are_shown() {
    let ended = run(&["attached"], LONG).with(5);
    let lines: Vec<_> = ended.stdout.lines().collect();
    let [said @ .., last] = lines.as_slice() else { panic!("{ended:#?}") };
    assert_eq!(said, ["true", "false", "Rust hears 2", "Rust hears 42"], "{ended:#?}");
    assert!(last.starts_with("finished Err(\"child `attached` (pid "), "{ended:#?}");
    assert_eq!(
        ended.logged,
        ["one 2, one 42, two 2, two 42", "attached true 1", "2 2"],
        "{ended:#?}"
    );
}

#[test]
fn a_control_of_another_inbox_or_thread_is_refused() {
    let ended = run(&["attached_wrongly"], LONG).with(0);
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{ended:#?}");
    for line in &lines[..2] {
        assert!(line.contains("`.inbox(mpqt::inbox())`"), "{line}");
    }
    assert!(lines[2].contains("GUI thread"), "{}", lines[2]);
}

#[test]
fn a_panic_in_a_rust_handler_stops_no_other() {
    let ended = run(&["panicking_handler"], LONG).with(6);
    assert_eq!(ended.logged, ["ticks 1 2 3 4"], "{ended:#?}");
    assert!(ended.stderr.contains("panics on purpose"));
}

#[test]
fn waiting_in_the_gui_thread_is_refused() {
    let ended = run(&["waiting_handler"], LONG).with(0);
    let refused = "Err(\"the command has no outcome yet: this thread must not wait; connect a signal, or \
                   use `on_done` or `.await`\")";
    assert!(ended.stdout.lines().all(|line| line == refused), "{ended:#?}");
    assert!(!ended.stdout.is_empty());
}

/// The object's control is the last one, so its busy child ends while the application goes on.
#[test]
#[cfg(unix)]
fn the_child_of_a_destroyed_object_ends() {
    let ended = run(&["destroyed"], LONG * 2).with(8);
    assert_eq!(ended.logged, ["destroyed"], "{ended:#?}");
    assert_eq!(ended.stdout, "the child is gone\n", "{ended:#?}");
}

#[test]
fn a_probe_in_rust_sees_that_the_event_loop_was_late() {
    let ended = run(&["late"], LONG).with(13);
    assert_eq!(ended.stdout, "late true true\nanew true\n", "{ended:#?}");
}

#[test]
fn a_second_engine_has_objects_and_leaves_the_first_alone() {
    let ended = run(&["second_engine"], LONG * 2).with(11);
    assert_eq!(ended.stdout, "loaded true\nsecond engine gone\n", "{ended:#?}");
    assert_eq!(ended.logged, ["second 3", "second finished", "first 42"], "{ended:#?}");
}

#[test]
#[cfg(target_os = "linux")] // its children are counted in /proc
fn an_object_of_another_thread_warns_and_its_child_ends_with_it() {
    let ended = run(&["engine_elsewhere"], LONG * 2).with(12);
    assert_eq!(ended.stdout, "loaded true\nits child is gone\n", "{ended:#?}");
    assert_eq!(ended.logged.len(), 1, "{ended:#?}");
    let warned =
        "RigObject is created in a thread other than the one that first called `mpqt::inbox()`";
    assert_eq!(ended.stderr.matches(warned).count(), 1, "{ended:#?}");
}

/// The children flood when it ends: a waker, a connection or an object that outlives its
/// application would crash here.
#[test]
#[cfg(target_os = "linux")] // leftovers are looked up in /proc
fn applications_start_and_end_two_hundred_times() {
    let ended = run(&["rounds", "200"], Duration::from_secs(300)).with(0);
    assert_eq!(ended.stdout.lines().next(), Some("rounds 200"), "{ended:#?}");
}

/// A row of `docs/tracing.md`: target, event, and a part of its fields.
type Event = (&'static str, &'static str, &'static str);

#[track_caller]
fn assert_traced(ended: &Ended, events: &[Event]) {
    for (target, name, field) in events {
        let is_it = |line: &&str| line.contains(target) && line.contains(name);
        let line = ended.stderr.lines().find(is_it);
        let line = line.unwrap_or_else(|| panic!("no `{name}` of {target}: {ended:#?}"));
        assert!(line.contains(field), "{line}");
    }
}

#[test]
fn what_the_qt_side_does_is_traced() {
    let document = "
        import QtQuick
        import Rigs 1.0 as Rigs
        Item {
            Rigs.Rig { config: 3 }
            Rigs.Rig {
                property bool first: true
                function keep_busy(milliseconds) {
                    const begun = Date.now()
                    while (Date.now() - begun < milliseconds) {}
                }
                process.onReady: {
                    try { add_two('x', 'y') } catch (refused) { console.log('refused') }
                    count = 5
                    sample = 'wrong'
                    tick_away(40)
                }
                onTick: { keep_busy(first ? 150 : 5); first = false }
                onTicked: Qt.exit(3)
            }
        }
    ";
    let ended = run_logged(&["exits", document], LONG, "mpqt=trace").with(3);
    assert_eq!(ended.logged, ["refused"], "{ended:#?}");
    assert_traced(
        &ended,
        &[
            ("mpqt::application", "document loaded", ""),
            ("mpqt::object", "config refused", "Rig"),
            ("mpqt::object", "call refused", "add_two"),
            ("mpqt::object", "assignment refused", "count"),
            ("mpqt::delivery", "slow handler", "took_ms="),
            ("mpqt::delivery", "budget used up", "waiting="),
            ("mpqt::application", "quitting", "code=3"),
        ],
    );
    let refused = ended.stderr.lines().filter(|line| line.contains("assignment refused"));
    assert_eq!(refused.count(), 2, "{ended:#?}");

    let ended = run_logged(&["does_not_load"], LONG, "mpqt=error").with(7);
    let reported = ended.stderr.lines().filter(|line| line.contains("document not loaded"));
    assert_eq!(reported.count(), 7, "{ended:#?}");
    assert!(!ended.stderr.contains("quitting"), "only errors: {ended:#?}");

    // Off unless it is asked for.
    let ended = run(&["exits", "import QtQuick; Item { Component.onCompleted: Qt.quit() }"], LONG);
    assert!(!ended.with(0).stderr.contains("mpqt::"));
}

#[test]
#[cfg(target_os = "linux")] // children are counted in /proc
fn an_object_on_another_thread_is_traced() {
    let ended = run_logged(&["engine_elsewhere"], LONG * 2, "mpqt::object=warn").with(12);
    assert_traced(&ended, &[("mpqt::object", "created on another thread", "RigObject")]);
}
