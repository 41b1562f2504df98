//! Programs that are not a child, or not the right one, or do not behave like one: each is a typed
//! error that says what to do, and affects no other child. Also configs and constructors that fail,
//! values that cannot be decoded, and messages that were not asked for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mpcore::{
    CallError, ExceptionKind, ExitReport, Inbox, ProcessState, ReadyError, RunFailure, StartError,
    Transport,
};
use system_tests::bench::{builder, ready};
use system_tests::controller_program::ControllerProgram;
use system_tests::gauge::{GaugeConfig, GaugeControl};
use system_tests::transport::{PROTOCOL, framed};
use system_tests::{
    BenchConfig, BenchControl, Blob, InitFault, LONG, Mood, outcome, processes, programs, until,
};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");
const ODD: &str = env!("CARGO_BIN_EXE_odd_child");
const LOOK_ALIKE: &str = env!("CARGO_BIN_EXE_look_alike");

/// Long enough for a child on a loaded machine to get as far as it can.
const DEADLINE: Duration = Duration::from_millis(1500);

/// Starts a child that fails before it is ready, and returns why. Checks that the failure is
/// reported everywhere.
fn failure(
    name: &str,
    builder: mpcore::ControlBuilder<BenchControl>,
) -> (RunFailure, Arc<ExitReport>) {
    let bench = builder.build().unwrap();
    let (failed, raised) =
        (bench.process().signals().failed.receiver(), bench.signals().exception_raised.receiver());
    bench.process().start().unwrap();
    let queued = bench.add_two(1, 2);
    let Err(CallError::Exited(report)) = outcome(queued) else { panic!("{name}: it was run") };
    let Err(ReadyError::Failed(failure)) = bench.process().wait_ready(LONG) else {
        panic!("{name}: it cannot be ready")
    };
    let _ = bench.process().join(LONG);
    assert_eq!(report.state, ProcessState::Failed, "{name}");
    assert_eq!(report.failure.as_ref(), Some(&failure), "{name}");
    assert_eq!(failed.recv_timeout(LONG), Ok((failure.clone(),)), "{name}");
    let exception = raised.recv_timeout(LONG).unwrap().0;
    assert_eq!(exception.message, failure.to_string(), "{name}");
    if let Some(pid) = report.pid {
        assert!(processes::is_gone(pid), "{name}: it was reaped");
    }
    println!("{name}: {failure}");
    (failure, report)
}

/// Checks that the text says what is wrong and what to do.
#[track_caller]
fn says(failure: &RunFailure, phrases: &[&str]) {
    let text = failure.to_string();
    for phrase in phrases {
        assert!(text.contains(phrase), "`{text}` does not say `{phrase}`");
    }
}

// ---- programs

#[test]
fn a_program_that_is_missing() {
    let (why, report) = failure("missing", builder("/nowhere/laser-child"));
    assert!(matches!(why, RunFailure::Spawn { .. }), "{why:?}");
    says(&why, &["/nowhere/laser-child", "path"]);
    assert_eq!((report.pid, report.status), (None, None));
    let (why, _) = failure("not on PATH", builder("no-such-laser-child"));
    says(&why, &["no-such-laser-child", "PATH"]);
}

#[test]
fn a_program_that_is_not_executable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("laser-child");
    fs::write(&file, "#!/bin/sh\nexit 0\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let (why, _) = failure("not executable", builder(&file.to_string_lossy()));
    says(&why, &["laser-child", "chmod +x"]);
    // Executable by its mode, but not in a format that the system can run.
    programs::script(&file, "no program at all");
    let (why, _) = failure("not a program", builder(&file.to_string_lossy()));
    says(&why, &["laser-child"]);
    let (why, _) = failure("a folder", builder(&folder.path().to_string_lossy()));
    assert!(matches!(why, RunFailure::Spawn { .. }), "{why:?}");
}

#[test]
fn a_working_directory_that_is_missing() {
    let (why, _) = failure("directory", builder(CHILD).current_dir("/nowhere"));
    assert!(matches!(why, RunFailure::Spawn { .. }), "{why:?}");
    says(&why, &["working directory"]);
}

#[test]
fn a_program_that_ends_at_once() {
    let (why, report) = failure("exit 7", builder(ODD).arg("exit"));
    assert!(matches!(why, RunFailure::EndedBeforeReady { .. }), "{why:?}");
    says(&why, &["exit code 7", "child_main"]);
    assert_eq!(report.status.map(mpcore::ExitStatus::code), Some(7));
    let (why, _) = failure("true", builder("true"));
    says(&why, &["exit code 0", "mpcore::init()"]);
    // The report includes its last stderr lines.
    let (why, _) = failure("ls", builder("ls").env("LC_ALL", "C"));
    says(&why, &["--mpcore-child"]);
}

#[test]
fn a_program_that_never_calls_init() {
    let builder = builder(ODD).start_deadline(DEADLINE);
    let (why, report) = failure("prints and sleeps", builder.arg("print and sleep"));
    assert_eq!(why, RunFailure::StartDeadline { deadline: DEADLINE });
    says(&why, &["1.5s", "start_deadline", "mpcore::init()"]);
    assert!(report.killed);
}

#[test]
fn a_program_that_closes_its_stdin() {
    let builder =
        |transport| builder(ODD).transport(transport).start_deadline(DEADLINE).arg("close stdin");
    let (why, _) = failure("closes stdin, sockets", builder(Transport::Sockets));
    assert!(matches!(why, RunFailure::Broken(_)), "{why:?}");
    says(&why, &["closed", "mpcore::init()"]);
    let (why, _) = failure("closes stdin, ipc-channel", builder(Transport::IpcChannel));
    assert_eq!(why, RunFailure::StartDeadline { deadline: DEADLINE });
}

#[test]
fn garbage_on_stdout_is_ignored() {
    let bench = ready(builder(ODD).arg("print and serve"));
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
}

#[test]
fn a_program_that_connects_and_sends_nothing_or_nonsense() {
    for how in ["say nothing", "say nonsense"] {
        let builder = builder(ODD).transport(Transport::IpcChannel).start_deadline(DEADLINE);
        let (why, report) = failure(how, builder.arg(how));
        assert_eq!(why, RunFailure::StartDeadline { deadline: DEADLINE }, "{how}");
        assert!(report.killed, "{how}");
    }
}

#[test]
fn a_program_that_sends_nonsense_through_its_stdin() {
    for how in ["send text", "send nothing", "send a long packet", "send descriptors"] {
        let builder = builder(ODD).transport(Transport::Sockets).arg(how);
        let (why, report) = failure(how, builder);
        assert!(matches!(why, RunFailure::Broken(_)), "{how}: {why:?}");
        assert!(report.killed, "{how}");
    }
}

#[test]
fn a_stranger_at_the_endpoint_does_not_block_the_right_child() {
    for how in [
        "let nonsense go first",
        "let silence go first",
        "let half a message go first",
        "let an impostor go first",
    ] {
        let bench = ready(builder(ODD).transport(Transport::IpcChannel).arg(how).arg(CHILD));
        assert_eq!(outcome(bench.add_two(1, 2)), Ok(3), "{how}");
        let own = outcome(bench.surroundings()).unwrap().pid;
        assert_eq!(Some(own), bench.process().pid(), "{how}: it is the one that was started");
        bench.process().stop();
        bench.process().join(LONG).unwrap();
        assert_eq!(bench.process().state(), ProcessState::Finished, "{how}");
    }
}

#[test]
fn a_child_by_hand_is_refused() {
    let output = std::process::Command::new(CHILD).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("Bench") && text.contains("controller"), "{text}");
    // With the mark, but without a controller at the other end.
    let output = std::process::Command::new(CHILD)
        .arg("--mpcore-child")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!output.stderr.is_empty());
}

#[test]
fn an_own_binary_without_init_is_refused() {
    let mut program = ControllerProgram::start(env!("CARGO_BIN_EXE_no_init"), &[]);
    let text = program.line("refused");
    assert!(text.starts_with("InitMissing"), "{text}");
    assert!(text.contains("mpcore::init()") && text.contains("test_support"), "{text}");
    assert_eq!(program.end(), 0);
}

/// Without the check, each process would start the next.
#[test]
fn an_own_program_without_init_starts_nothing() {
    let mut program = ControllerProgram::start(env!("CARGO_BIN_EXE_no_init"), &["named"]);
    let text = program.line("refused");
    assert!(text.starts_with("InitForgotten"), "{text}");
    assert!(text.contains("mpcore::init()") && text.contains("child_main"), "{text}");
    assert_eq!(program.end(), 0);
    let lines = program.all_lines();
    let processes = lines.iter().filter(|line| line.starts_with("process")).count();
    assert_eq!(processes, 2, "the controller, and what it has started: {lines:#?}");
}

// ---- protocols

#[test]
fn a_protocol_mismatch_is_reported_as_such() {
    let cases = [
        ("speak another protocol", Transport::Sockets, 77),
        ("speak another protocol at the endpoint", Transport::IpcChannel, 77),
        ("exit as protocol 2 did", Transport::Sockets, 2),
        ("exit as protocol 2 did", Transport::IpcChannel, 2),
    ];
    for (how, transport, child) in cases {
        let (why, _) = failure(how, builder(ODD).transport(transport).arg(how));
        assert_eq!(why, RunFailure::Protocol { child, controller: u32::from(PROTOCOL) }, "{how}");
        says(&why, &[&format!("the child speaks protocol {child}"), "build both"]);
    }
}

/// The first record of a controller of protocol 77: only its beginning is known.
fn record_of_another_protocol(endpoint: &str) -> Vec<u8> {
    let length = u8::try_from(endpoint.len()).unwrap();
    let body = [&[0, 77, 1, length], endpoint.as_bytes(), &[7; 16], &[0xFF; 300]].concat();
    [&b"mpcore\0\x01"[..], &u32::try_from(body.len()).unwrap().to_le_bytes(), &body].concat()
}

/// Checks the end of a child that was started by such a controller.
fn check_refusal(mut child: std::process::Child) {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{text}");
    let said = format!("the controller speaks protocol 77, this child {PROTOCOL}; build both");
    assert!(text.contains(&said), "{text}");
}

fn child_of_another_protocol(stdin: impl Into<Stdio>) -> std::process::Child {
    let mut command = Command::new(CHILD);
    command.arg("--mpcore-child").stdin(stdin).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_child_reports_its_protocol_on_a_socket() {
    use rustix::net::{
        AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        SocketFlags, SocketType, recv, sendmsg, socketpair,
    };
    use std::os::fd::AsFd as _;
    let pair =
        || socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    let ((requests, stdin), (events, of_child), (_control, control_of_child)) =
        (pair().unwrap(), pair().unwrap(), pair().unwrap());
    let handed = [of_child.as_fd(), control_of_child.as_fd()];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&handed)));
    let record = record_of_another_protocol("");
    let record = [std::io::IoSlice::new(&record)];
    sendmsg(&requests, &record, &mut ancillary, SendFlags::empty()).unwrap();
    let child = child_of_another_protocol(stdin);
    drop((of_child, control_of_child));
    let mut packet = [0; 100];
    let (_, length) = recv(&events, &mut packet[..], RecvFlags::empty()).unwrap();
    let number = u32::from(PROTOCOL).to_le_bytes();
    let expected = [&[PROTOCOL][..], &[0; 23], b"mpcore\0\x02", &number].concat();
    assert_eq!(packet[..length], expected);
    check_refusal(child);
}

#[test]
fn a_child_reports_its_protocol_at_an_endpoint() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    enum Greeting {
        GiveUp,
        Hello,
        OtherProtocol(u32, [u8; 16]),
    }
    let (server, name) = ipc_channel::ipc::IpcOneShotServer::<Greeting>::new().unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, &record_of_another_protocol(&name)).unwrap();
    let child = child_of_another_protocol(reader);
    let (_, said) = server.accept().unwrap();
    assert_eq!(said, Greeting::OtherProtocol(u32::from(PROTOCOL), [7; 16]));
    check_refusal(child);
}

// ---- interfaces

fn gauge(which: &str) -> GaugeControl {
    GaugeControl::builder()
        .program(LOOK_ALIKE)
        .arg(which)
        .config(GaugeConfig::default())
        .stderr(mpcore::OutputMode::Null)
        .spawn()
        .unwrap()
}

#[test]
fn a_child_of_the_same_interface_from_another_crate_is_accepted() {
    // However its types are spelled in the source.
    for which in ["same", "spelled"] {
        let gauge = gauge(which);
        let ready = gauge.process().wait_ready(LONG);
        assert_eq!(ready, Ok(()), "{which}");
        assert_eq!(outcome(gauge.read(1)), Ok(1.5), "{which}");
    }
}

#[test]
fn a_child_of_another_interface_is_refused_and_both_are_named() {
    let cases: [(&str, &[&str]); 7] = [
        ("error_field", &["read", "its error", "`GaugeError.detail` is missing in the controller"]),
        ("argument", &["read(channel: u16)", "read(channel: u32)", "argument `channel`"]),
        (
            "inside",
            &["config", "`GaugeConfig.link::Net.port`: u16 in the controller, u32 in the child"],
        ),
        ("latest", &["alarm", "is `#[event]` in the controller, `#[event(latest)]` in the child"]),
        ("property", &["unit: String", "unit: Vec<String>"]),
        ("command", &["zero", "missing in the controller"]),
        ("interface", &["Gauge", "Thermometer", "missing in the child"]),
    ];
    for (which, phrases) in cases {
        let gauge = gauge(which);
        let read = gauge.read(1);
        let Err(CallError::Exited(report)) = outcome(read) else { panic!("{which}: not the same") };
        let Some(why @ RunFailure::Mismatch(_)) = &report.failure else { panic!("{report:?}") };
        println!("{which}: {why}");
        says(why, &["build both"]);
        let text: String = why.to_string().split_whitespace().collect();
        for phrase in phrases {
            let phrase: String = phrase.split_whitespace().collect();
            assert!(text.contains(&phrase), "{which}: `{text}` does not say `{phrase}`");
        }
        assert_eq!(report.state, ProcessState::Failed, "{which}");
    }
}

// ---- config and init

#[test]
fn a_config_that_cannot_be_encoded_is_refused_before_the_start() {
    let config = BenchConfig { mood: Mood::RefusesToLeave, ..BenchConfig::default() };
    let refused = builder(CHILD).config(config).build().unwrap_err();
    assert!(matches!(refused, StartError::Config(_)), "{refused:?}");
    assert!(refused.to_string().contains("config"), "{refused}");
    let missing = BenchControl::builder().program(CHILD).build().unwrap_err();
    assert!(matches!(missing, StartError::ConfigMissing), "{missing:?}");
    assert!(missing.to_string().contains(".config("), "{missing}");
    let missing = BenchControl::builder().config(BenchConfig::default()).build().unwrap_err();
    assert!(matches!(missing, StartError::ChildMissing), "{missing:?}");
    assert!(missing.to_string().contains(".program("), "{missing}");
}

#[test]
fn a_config_that_cannot_be_decoded() {
    let config = BenchConfig { mood: Mood::RefusesToArrive, ..BenchConfig::default() };
    let (why, _) = failure("config", builder(CHILD).config(config));
    assert!(matches!(why, RunFailure::Config(_)), "{why:?}");
    says(&why, &["config", "BenchConfig"]);
    let config = BenchConfig { mood: Mood::PanicsOnArriving, ..BenchConfig::default() };
    let (why, _) = failure("config that panics", builder(CHILD).config(config));
    assert!(matches!(why, RunFailure::Config(_)), "{why:?}");
    says(&why, &["afraid of arriving"]);
}

#[test]
fn a_constructor_or_postrun_init_that_errs_or_panics_or_hangs() {
    let failing = |fault| {
        let config = BenchConfig { fault: Some(fault), ..BenchConfig::default() };
        failure(&format!("{fault:?}"), builder(CHILD).config(config).start_deadline(DEADLINE))
    };
    let (why, _) = failing(InitFault::ConstructorErrs);
    assert!(
        matches!(&why, RunFailure::Constructor(error) if error.location().contains("bench.rs"))
    );
    says(&why, &["constructor", "no lamp"]);
    let (why, _) = failing(InitFault::PostrunInitErrs);
    assert!(matches!(&why, RunFailure::PostrunInit(_)), "{why:?}");
    says(&why, &["postrun_init", "no power"]);
    let (why, _) = failing(InitFault::ConstructorPanics);
    assert!(matches!(&why, RunFailure::ConstructorPanicked(_)), "{why:?}");
    says(&why, &["constructor panicked", "the lamp fell down", "bench.rs"]);
    let (why, report) = failing(InitFault::PostrunInitPanics);
    assert!(matches!(&why, RunFailure::PostrunInitPanicked(_)), "{why:?}");
    says(&why, &["postrun_init panicked", "a fuse blew"]);
    assert!(!report.killed, "it ends in order");
    for fault in [InitFault::ConstructorHangs, InitFault::PostrunInitHangs] {
        let (why, report) = failing(fault);
        assert_eq!(why, RunFailure::StartDeadline { deadline: DEADLINE });
        assert!(report.killed);
    }
}

// ---- invalid data on the lanes

/// Sends packets that no real child sends, around the framework, through every socket that the
/// child has. The controller runs in a process of its own: the tests show that it survives.
fn check_scribble(kind: &str, transport: Option<&str>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scribbled_on"));
    command.arg(kind).env_remove("TRANSPORT");
    if let Some(transport) = transport {
        command.env("TRANSPORT", transport);
    }
    let mut controller = ControllerProgram::start_command(&mut command);
    println!("{kind}: {}", controller.line("broken child"));
    assert_eq!(controller.line("other child"), "Ok(3)", "{kind}");
    let ended = controller.line("ended");
    assert!(ended.contains("broke the protocol"), "{kind}: {ended}");
    println!("{kind}: {ended}");
    assert_eq!(controller.line("next run"), "Ok(3)", "{kind}");
    assert_eq!(controller.end(), 0, "{kind}");
    ended
}

const GARBAGE: [&str; 11] = [
    "nothing at all",
    "text",
    "one byte",
    "long",
    "an item that is cut",
    "a part of an endless item",
    "an end marker",
    "another generation",
    "another version",
    "an outcome that nobody waits for",
    "credit for what was not sent",
];

#[test]
fn only_the_child_that_sends_garbage_is_killed() {
    for kind in GARBAGE {
        check_scribble(kind, None);
    }
    check_scribble("more than a packet", None);
}

/// The call ends as cancelled, and no exception is raised.
#[test]
fn an_unrequested_cancel_does_not_end_a_call() {
    for transport in [None, Some("ipc-channel")] {
        let ended = check_scribble("a cancel that was not asked for", transport);
        assert!(ended.contains("a call that was not cancelled"), "{ended}");
    }
}

#[test]
fn garbage_through_ipc_channel_ends_only_that_child() {
    // An empty packet is the end of a lane there, including the child's own: it ends by itself.
    for kind in &GARBAGE[1..] {
        check_scribble(kind, Some("ipc-channel"));
    }
}

#[test]
fn an_event_its_type_cannot_decode_raises_an_exception() {
    let bench = ready(builder(CHILD));
    let exceptions = bench.signals().exception_raised.receiver();
    bench.show_mood(2);
    let (exception,) = exceptions.recv_timeout(LONG).expect("it is reported");
    assert_eq!(exception.kind, ExceptionKind::UndeliveredEvent { event: "mood_shown" });
    assert!(exception.message.contains("in no mood to arrive"), "{exception}");
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3), "the child goes on");
}

// ---- unexpected messages

/// The start of a packet of the first run: version, kind, generation, two totals.
fn packet(kind: u8, body: &[u8]) -> Blob {
    Blob(framed(&[&[PROTOCOL, kind, 1, 0, 0, 0][..], &[0; 16], body].concat()))
}

#[test]
fn an_unexpected_answer_or_overrun_is_reported_as_such() {
    let pong = packet(6, &[7, 0]);
    let mut overrun = [0; 28];
    (overrun[0], overrun[8], overrun[24]) = (36, 1, 50);
    let cases = [
        (pong, "an answer to a ping that was not sent"),
        (packet(6, &[0xFF; 40]), "could not be decoded"),
        (packet(0, &overrun), "an overrun of a command that has no deadline"),
    ];
    for (packet, why) in cases {
        let bench = ready(builder(CHILD));
        let call = bench.scribble(packet);
        assert_eq!(call.id().get(), 1);
        let Err(CallError::Exited(report)) = outcome(call) else { panic!("{why}: it is broken") };
        let Some(RunFailure::Broken(told)) = &report.failure else { panic!("{report:?}") };
        assert!(told.contains(why), "`{told}` does not say `{why}`");
    }
}

#[test]
fn leftovers_of_an_older_run_do_not_harm_the_new_one() {
    let inbox = Inbox::new(|| {});
    let bench = builder(CHILD).inbox(&inbox).spawn().unwrap();
    let seen = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&seen);
    bench.signals().mood_shown.connect(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    outcome(bench.show_mood(2)).unwrap();
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    assert_eq!(bench.process().state(), ProcessState::Finished);
    bench.process().start().unwrap();
    bench.process().wait_ready(LONG).unwrap();
    // First the signals of the first run and the start of the second.
    while inbox.drain(LONG).more {}
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    assert_eq!((bench.process().state(), bench.process().generation()), (ProcessState::Running, 2));
    // What the second run sends is its own.
    bench.show_mood(0);
    until("it is shown", || {
        inbox.drain(LONG);
        seen.load(Ordering::SeqCst) == 1
    });
    let exceptions = bench.signals().exception_raised.receiver();
    bench.show_mood(2);
    until("it is reported", || {
        inbox.drain(LONG);
        exceptions.try_recv().is_some()
    });
    assert_eq!((bench.process().state(), bench.process().generation()), (ProcessState::Running, 2));
}
