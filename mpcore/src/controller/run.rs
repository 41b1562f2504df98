//! One run of a child, from the spawn to its last signal.
//!
//! Each run has a thread that spawns, shakes hands, and then reads the events lane; it never waits
//! for the inbox. The watcher alone says that the process is gone. It then sends an end marker down
//! the events lane: reading up to it is the drain. Should the marker not be reached in time, whoever
//! sent it ends the run instead; the first to come ends it, once.

use std::collections::HashMap;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::builder::{Output, Program};
use super::exit::{ExitReport, Failure, State};
use super::inbox::{Notice, Wake, enqueue, post};
use super::outcome::{Exception, ExceptionKind, Outcome};
use super::process::begin_run;
use super::shared::Shared;
use super::traffic::Gate;
use crate::child::registry::{self, Place};
use crate::limits::{DRAIN_DEADLINE, ENDPOINTS, SILENT_PEER, STDERR_DEADLINE};
use crate::process::stderr::{self, Tail};
use crate::process::stop::Rung;
use crate::process::watch::{self, WatchKey, Watched};
use crate::process::{ExitStatus, spawn, sys};
use crate::transport::ipc::{self, Endpoint, Greeting, Hello};
use crate::transport::{ControllerLanes, Receiver, Sender, memory};
use crate::wire::credit::{FalseReport, charge};
use crate::wire::fingerprint::Mismatch;
use crate::wire::handshake::{Bootstrap, MARK, Nonce, Record, Welcome};
use crate::wire::packet::{
    Assembler, Head, ItemHead, ItemKind, PROTOCOL, PacketError, PacketKind, Payload,
};
use crate::wire::report::{Bye, InitFailure};

/// Lines of stderr that stand in the text of a failed start.
const LAST_WORDS: usize = 4;

/// What was asked of a run, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ask {
    Stop,
    Terminate,
    Kill,
}

/// What is known of a run so far.
#[derive(Default)]
struct Known {
    /// The watcher knows the run, so it can be asked.
    watched: bool,
    asked: Option<(Ask, Duration)>,
    /// The last rung of the ladder was climbed.
    killed: bool,
    start_deadline_passed: bool,
    ready: bool,
    bye: Option<Bye>,
    failure: Option<Failure>,
    /// The watcher has spoken: there is no process any more; how it ended.
    ended: Option<Option<ExitStatus>>,
    /// For the end marker.
    events_wake: Option<Sender>,
}

/// Something a starting run waits for.
enum Step {
    Greeted { attempt: u32, greeting: Result<Greeting, String> },
    Ended,
}

/// See the [module](self).
pub(crate) struct Run {
    generation: u32,
    key: WatchKey,
    known: Mutex<Known>,
    steps: Mutex<mpsc::Sender<Step>>,
    /// Taken by the run's thread.
    received: Mutex<Option<mpsc::Receiver<Step>>>,
    /// Whether the run is over. What is read is acted on under this lock, so that nothing of a run
    /// comes after its end, however late its reader is.
    finished: Mutex<bool>,
    tail: Arc<Tail>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("generation", &self.generation).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why the events lane is no longer read.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Packet(#[from] PacketError),
    #[error("{0}")]
    Credit(#[from] FalseReport),
    #[error("{0}")]
    Content(&'static str),
}

impl Run {
    pub(crate) fn new(generation: u32) -> Self {
        let (steps, received) = mpsc::channel();
        Self {
            generation,
            key: watch::key(),
            known: Mutex::default(),
            steps: Mutex::new(steps),
            received: Mutex::new(Some(received)),
            finished: Mutex::new(false),
            tail: Arc::default(),
        }
    }

    /// Passes a wish on to the watcher, or keeps it until the watcher knows the run.
    pub(crate) fn ask(&self, ask: Ask, grace: Duration) {
        let watched = {
            let mut known = lock(&self.known);
            if known.asked.is_none_or(|(before, _)| before < ask) {
                known.asked = Some((ask, grace));
            }
            known.watched
        };
        if watched {
            self.order(ask, grace);
        }
    }

    fn order(&self, ask: Ask, grace: Duration) {
        match ask {
            Ask::Stop => watch::stop(self.key, grace),
            Ask::Terminate => watch::terminate(self.key),
            Ask::Kill => watch::kill(self.key),
        }
    }

    /// The watcher knows the run from now on.
    fn watched(&self) {
        let asked = {
            let mut known = lock(&self.known);
            known.watched = true;
            known.asked
        };
        if let Some((ask, grace)) = asked {
            self.order(ask, grace);
        }
    }

    /// Ends a child that does not keep to the protocol.
    pub(crate) fn declare_broken(&self, why: &str) {
        self.fail(Failure::Broken(why.to_owned()));
    }

    /// Ends a run for a reason of the controller's.
    fn fail(&self, failure: Failure) {
        lock(&self.known).failure.get_or_insert(failure);
        watch::kill(self.key);
    }

    fn send_step(&self, step: Step) {
        let _ = lock(&self.steps).send(step);
    }
}

/// Starts the run's thread.
pub(crate) fn begin(shared: &Arc<Shared>, run: &Arc<Run>) {
    let for_thread = (Arc::clone(shared), Arc::clone(run));
    let body = move || {
        let (shared, run) = for_thread;
        live(&shared, &run);
    };
    // The system cuts the name at 15 characters.
    let name = format!("mp-{}", shared.name());
    if let Err(error) = thread::Builder::new().name(name).spawn(body) {
        lock(&run.known).failure = Some(Failure::Resources(error.to_string()));
        finish(shared, run);
    }
}

fn live(shared: &Arc<Shared>, run: &Arc<Run>) {
    let Some(steps) = lock(&run.received).take() else {
        return;
    };
    let connected = match &shared.spec.program {
        Program::Thread(child) => connect_thread(shared, run, *child),
        _ => connect_process(shared, run, &steps),
    };
    match connected {
        Ok((lanes, nonce)) => {
            let events = open(shared, run, lanes, nonce);
            if let Err(broken) = read(shared, run, events) {
                run.declare_broken(&broken);
                wait_for_end(&steps);
            }
        }
        Err(NotConnected::NoProcess(failure)) => lock(&run.known).failure = Some(failure),
        Err(NotConnected::Refused(failure)) => {
            run.fail(failure);
            wait_for_end(&steps);
        }
        Err(NotConnected::Ended) => {}
    }
    finish(shared, run);
}

/// Waits for the watcher's word; the ladder has a last rung, so it comes.
fn wait_for_end(steps: &mpsc::Receiver<Step>) {
    while !matches!(steps.recv(), Ok(Step::Ended) | Err(_)) {}
}

/// Why a run has no lanes.
enum NotConnected {
    /// There never was a process.
    NoProcess(Failure),
    /// There is one, and it must go.
    Refused(Failure),
    /// It has ended.
    Ended,
}

// ---- a child on a thread

fn connect_thread(
    shared: &Arc<Shared>,
    run: &Arc<Run>,
    child: registry::Registration,
) -> Result<(ControllerLanes, Nonce), NotConnected> {
    let resources =
        |error: std::io::Error| NotConnected::NoProcess(Failure::Resources(error.to_string()));
    watch::prepare().map_err(resources)?;
    run.tail.end();
    let (lanes, child_lanes) = memory::pair();
    let nonce = Nonce::default();
    let initial: Vec<_> = shared.table.properties.iter().map(|row| row.initial.clone()).collect();
    take_initial_values(shared, &initial);
    let given = registry::Run {
        generation: run.generation,
        window: ipc::window(),
        nonce,
        initial,
        place: Place::Thread,
    };
    let told = (Arc::clone(shared), Arc::clone(run));
    let body = move || {
        let code = (child.serve)(child_lanes, given);
        let (shared, run) = told;
        watch::forget(run.key);
        shared.ended(run.generation, Some(ExitStatus::from_code(code)));
    };
    let deadline = Instant::now() + shared.spec.start_deadline;
    watch::watch(run.key, Arc::clone(shared) as Arc<dyn Watched>, run.generation, None, deadline);
    run.watched();
    post(shared, Notice::Started(std::process::id()));
    let name = format!("child-{}", shared.name());
    if let Err(error) = thread::Builder::new().name(name).spawn(body) {
        watch::forget(run.key);
        return Err(resources(error));
    }
    Ok((lanes, nonce))
}

// ---- a child process

fn connect_process(
    shared: &Arc<Shared>,
    run: &Arc<Run>,
    steps: &mpsc::Receiver<Step>,
) -> Result<(ControllerLanes, Nonce), NotConnected> {
    let resources = |error: &dyn std::fmt::Display| {
        NotConnected::NoProcess(Failure::Resources(error.to_string()))
    };
    watch::prepare().map_err(|error| resources(&error))?;
    let mut nonce = Nonce::default();
    getrandom::fill(&mut nonce).map_err(|error| resources(&error))?;
    let mut endpoints = Endpoints { shared, run, nonce, open: HashMap::new(), attempts: 0 };
    let first = endpoints.open().map_err(|error| resources(&error))?;

    let (command, program) = command(shared).map_err(|error| resources(&error))?;
    let spawned = spawn::spawn(command).map_err(|error| {
        endpoints.give_up();
        NotConnected::NoProcess(spawn_failure(&program, &error))
    })?;
    let pid = spawned.process.id();
    shared.life().pid = Some(pid);
    post(shared, Notice::Started(pid));
    match spawned.stderr {
        Some(pipe) => {
            let pass_on = shared.spec.stderr == Output::Inherit;
            stderr::follow(pipe, Arc::clone(&run.tail), pass_on);
        }
        None => run.tail.end(),
    }
    let deadline = Instant::now() + shared.spec.start_deadline;
    let owner = Arc::clone(shared) as Arc<dyn Watched>;
    watch::watch(run.key, owner, run.generation, Some(spawned.process), deadline);
    run.watched();

    let Some(mut pipe) = spawned.stdin else {
        endpoints.give_up();
        return Err(NotConnected::Refused(Failure::Resources("the child has no stdin".into())));
    };
    // A child that does not read its pipe is found by the start deadline; the records fit the pipe.
    let _ = Record::Connect(first).write(&mut pipe);
    let greeted = greet(&mut endpoints, &mut pipe, steps);
    endpoints.give_up();
    let (attempt, hello) = greeted?;
    let introduction = &hello.introduction;
    if introduction.protocol != PROTOCOL {
        let child = introduction.protocol;
        let failure = Failure::Protocol { child, controller: PROTOCOL };
        return Err(NotConnected::Refused(failure));
    }
    if let Some(mismatch) = Mismatch::between(&shared.table.facts, &introduction.facts) {
        return Err(NotConnected::Refused(Failure::Mismatch(mismatch)));
    }
    take_initial_values(shared, &introduction.initial);
    let _ = Record::Accepted(attempt).write(&mut pipe);
    Ok((hello.into_lanes(), nonce))
}

/// Every run begins with the properties' initial values.
fn take_initial_values(shared: &Arc<Shared>, initial: &[Vec<u8>]) {
    for (index, (mirror, bytes)) in shared.mirrors.iter().zip(initial).enumerate() {
        if mirror.set(bytes) {
            post(shared, Notice::Property(index as u16));
        }
    }
}

/// Waits for the right greeting, opening a fresh endpoint when one was taken by a stranger, or is
/// silent for too long.
fn greet(
    endpoints: &mut Endpoints<'_>,
    pipe: &mut ChildStdin,
    steps: &mpsc::Receiver<Step>,
) -> Result<(u32, Box<Hello>), NotConnected> {
    loop {
        let step = if endpoints.attempts < ENDPOINTS as u32 {
            steps.recv_timeout(SILENT_PEER)
        } else {
            steps.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match step {
            Ok(Step::Ended) | Err(RecvTimeoutError::Disconnected) => {
                return Err(NotConnected::Ended);
            }
            Ok(Step::Greeted { attempt, greeting }) => {
                endpoints.open.remove(&attempt);
                if let Ok(Greeting::Hello(hello)) = greeting
                    && hello.introduction.nonce == endpoints.nonce
                {
                    return Ok((attempt, hello));
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if endpoints.attempts < ENDPOINTS as u32
            && let Ok(next) = endpoints.open()
        {
            let _ = Record::Connect(next).write(pipe);
        }
    }
}

/// The places where the child may connect.
struct Endpoints<'a> {
    shared: &'a Arc<Shared>,
    run: &'a Arc<Run>,
    nonce: Nonce,
    /// Names of those at which nobody has been heard yet.
    open: HashMap<u32, String>,
    attempts: u32,
}

impl Endpoints<'_> {
    /// One more, with a thread that waits there: ipc-channel's accept knows no deadline.
    fn open(&mut self) -> std::io::Result<Bootstrap> {
        let endpoint = Endpoint::new()?;
        self.attempts += 1;
        let attempt = self.attempts;
        let name = endpoint.name().to_owned();
        let run = Arc::clone(self.run);
        let body = move || {
            let greeting = endpoint.accept();
            run.send_step(Step::Greeted { attempt, greeting });
        };
        thread::Builder::new().name("mp-accept".into()).spawn(body)?;
        self.open.insert(attempt, name.clone());
        let child = match &self.shared.spec.program {
            Program::Own { key } => (*key).to_owned(),
            _ => String::new(),
        };
        Ok(Bootstrap {
            protocol: PROTOCOL,
            attempt,
            endpoint: name,
            nonce: self.nonce,
            child,
            generation: self.run.generation,
            window: ipc::window(),
        })
    }

    /// Sends the waiting threads home.
    fn give_up(&mut self) {
        for (_, name) in self.open.drain() {
            ipc::give_up(&name);
        }
    }
}

fn command(shared: &Shared) -> std::io::Result<(Command, String)> {
    let spec = &shared.spec;
    let (mut command, program) = match &spec.program {
        Program::Path(path) => {
            let mut command = Command::new(path);
            command.arg(MARK).args(&spec.arguments);
            (command, path.to_string_lossy().into_owned())
        }
        Program::Own { .. } | Program::Thread(_) => {
            let (path, argv0) = sys::own_program()?;
            let mut command = Command::new(&path);
            #[cfg(unix)]
            if let Some(argv0) = &argv0 {
                use std::os::unix::process::CommandExt as _;
                command.arg0(argv0);
            }
            match registry::test_arguments().filter(|_| !crate::child::init::in_main()) {
                // libtest does not read what follows its `--`.
                Some(test) => command.args(test).args(&spec.arguments).arg(MARK),
                None => command.arg(MARK).args(&spec.arguments),
            };
            let shown = argv0.unwrap_or_else(|| path.into_os_string());
            (command, shown.to_string_lossy().into_owned())
        }
    };
    if spec.clear_environment {
        command.env_clear();
    }
    for (name, value) in &spec.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(folder) = &spec.working_directory {
        command.current_dir(folder);
    }
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    command.stdout(match spec.stdout {
        Output::Inherit => Stdio::inherit(),
        Output::Null => Stdio::null(),
    });
    sys::own_group(&mut command);
    Ok((command, program))
}

fn spawn_failure(program: &str, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let advice = match error.kind() {
        ErrorKind::NotFound => {
            "give the program's full path, or put it on PATH, and check the working directory"
        }
        ErrorKind::PermissionDenied => "make the file executable (`chmod +x`)",
        _ => "check that the program runs by hand",
    };
    Failure::Spawn { program: program.to_owned(), message: error.to_string(), advice }
}

// ---- reading

/// Puts the lanes to use: the welcome goes out, then what has queued.
fn open(shared: &Arc<Shared>, run: &Run, lanes: ControllerLanes, nonce: Nonce) -> Receiver {
    let ControllerLanes { requests, control, events, events_wake } = lanes;
    let window = ipc::window();
    let welcome = Welcome {
        nonce,
        name: shared.name(),
        grace: u32::try_from(shared.spec.stop_grace.as_millis()).unwrap_or(u32::MAX),
        config: shared.spec.config.clone(),
    };
    let welcome = postcard::to_stdvec(&welcome).unwrap_or_default();
    let finished = lock(&run.finished);
    if !*finished {
        let grant = shared.control().open(control, run.generation, window);
        shared.traffic().open_lane(requests, run.generation, grant, window, welcome);
    }
    drop(finished);
    let mut known = lock(&run.known);
    if known.ended.is_some() {
        // It has ended meanwhile, and whoever tells found no lane to send the marker on.
        let _ = events_wake.send(&Head::new(PacketKind::End, run.generation).packet());
    }
    known.events_wake = Some(events_wake);
    events
}

/// Reads until the end marker. `Err` says why the child is broken.
fn read(shared: &Arc<Shared>, run: &Run, mut events: Receiver) -> Result<(), String> {
    let mut assembler = Assembler::default();
    loop {
        let packet = events.receive().map_err(|error| error.to_string())?;
        let finished = lock(&run.finished);
        if *finished {
            return Ok(());
        }
        match take_packet(shared, run, &mut assembler, &packet) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(broken) => return Err(broken.to_string()),
        }
    }
}

/// Returns whether to go on.
fn take_packet(
    shared: &Arc<Shared>,
    run: &Run,
    assembler: &mut Assembler,
    packet: &[u8],
) -> Result<bool, Broken> {
    let (head, body) = Head::parse(packet, run.generation)?;
    let mut cost = 0;
    match head.kind {
        PacketKind::End => {
            let spoken = lock(&run.known).ended.is_some();
            return if spoken {
                Ok(false)
            } else {
                Err(Broken::Content("an end marker of its own"))
            };
        }
        PacketKind::Items | PacketKind::Part => {
            cost = charge(packet.len());
            assembler
                .take(head.kind, body, |item, payload| take_item(shared, run, item, payload))?;
        }
        PacketKind::Credit => {}
        PacketKind::Wake | PacketKind::Control => {
            return Err(Broken::Content("a packet of another lane"));
        }
    }
    let grant = shared.may_grant();
    shared.control().packet_read(head.consumed_control, cost, grant)?;
    if !grant {
        shared.note_overflow();
        // The inbox may have been emptied, or a wait begun, since `may_grant` looked.
        shared.grant_if_allowed();
    }
    shared.traffic().report(head.consumed)?;
    Ok(true)
}

fn take_item(
    shared: &Arc<Shared>,
    run: &Run,
    item: ItemHead,
    payload: Payload<'_>,
) -> Result<(), Broken> {
    let decode_failed = |_| Broken::Content("a report that cannot be decoded");
    let text = |payload: &Payload<'_>| String::from_utf8_lossy(payload.bytes()).into_owned();
    let outcome = match item.kind {
        ItemKind::Returned => Outcome::Returned(payload.into_bytes()),
        ItemKind::Raised => Outcome::Raised(payload.into_bytes()),
        ItemKind::Panicked => {
            Outcome::Panicked(postcard::from_bytes(payload.bytes()).map_err(decode_failed)?)
        }
        ItemKind::Cancelled => Outcome::Cancelled,
        ItemKind::Stopped => Outcome::Stopped,
        ItemKind::Undecodable => Outcome::Decode(text(&payload)),
        ItemKind::Unencodable => Outcome::Encode(text(&payload)),
        _ => return take_notice(shared, run, item, payload),
    };
    let entry = shared.traffic().pending.remove(item.call);
    match entry {
        // A cancelled command may not have reached the child, which then knows only its number.
        Some(entry) if entry.command == item.method || item.kind == ItemKind::Cancelled => {
            shared.resolve(item.call, entry, outcome);
            Ok(())
        }
        Some(entry) => {
            let lie = "an outcome of another command";
            shared.resolve(item.call, entry, Outcome::Decode(lie.into()));
            Err(Broken::Content(lie))
        }
        None => Err(Broken::Content("an outcome of a call that has none pending")),
    }
}

fn take_notice(
    shared: &Arc<Shared>,
    run: &Run,
    item: ItemHead,
    payload: Payload<'_>,
) -> Result<(), Broken> {
    let index = usize::from(item.method);
    let table = &shared.table;
    let decode_failed = |_| Broken::Content("a report that cannot be decoded");
    match item.kind {
        ItemKind::Property => {
            let mirror = shared.mirrors.get(index).ok_or(Broken::Content("an unknown property"))?;
            if mirror.set(payload.bytes()) {
                post(shared, Notice::Property(item.method));
            }
        }
        ItemKind::Event if index < table.events.len() => {
            post(shared, Notice::Event(item.method, payload.into_bytes()));
        }
        ItemKind::Signal if index < table.commands.len() => {
            post(shared, Notice::Signal(item.method, payload.into_bytes()));
        }
        ItemKind::Progress => {
            let bytes =
                payload.bytes().try_into().map_err(|_| Broken::Content("a long progress"))?;
            let fraction = f64::from_le_bytes(bytes);
            post(shared, Notice::Progress { call: item.call, fraction });
        }
        ItemKind::Ready => {
            watch::ready(run.key);
            lock(&run.known).ready = true;
            let wake = {
                let mut life = shared.life();
                life.ready = true;
                if life.state == State::Starting {
                    life.state = State::Running;
                    enqueue(shared, Notice::State(State::Running))
                } else {
                    Wake::none()
                }
            };
            wake.wake();
            shared.life_changed().notify_all();
            post(shared, Notice::Ready);
        }
        ItemKind::InitFailed => {
            let failure: InitFailure =
                postcard::from_bytes(payload.bytes()).map_err(decode_failed)?;
            lock(&run.known).failure.get_or_insert(failure.into());
        }
        ItemKind::Bye => {
            let bye = postcard::from_bytes(payload.bytes()).map_err(decode_failed)?;
            lock(&run.known).bye = Some(bye);
        }
        _ => {
            return Err(Broken::Content("an item of another lane, or of no item of the interface"));
        }
    }
    Ok(())
}

// ---- the end

impl Watched for Shared {
    fn ended(self: Arc<Self>, generation: u32, status: Option<ExitStatus>) {
        let run = self.life().run.clone().filter(|run| run.generation == generation);
        let Some(run) = run else { return };
        {
            let mut known = lock(&run.known);
            if known.ended.is_some() {
                return;
            }
            known.ended = Some(status);
        }
        // The send of the marker could block on a lane that a broken child has filled.
        let for_thread = (Arc::clone(&self), Arc::clone(&run));
        let body = move || {
            let (shared, run) = for_thread;
            announce_end(&shared, &run);
        };
        if thread::Builder::new().name("mp-end".into()).spawn(body).is_err() {
            finish(&self, &run);
        }
    }

    fn climbed(self: Arc<Self>, generation: u32, rung: Rung) {
        let run = self.life().run.clone().filter(|run| run.generation == generation);
        let Some(run) = run else { return };
        if rung == Rung::Kill {
            lock(&run.known).killed = true;
            if matches!(self.spec.program, Program::Thread(_)) {
                // A thread cannot be killed: it is left behind, unheard.
                self.ended(generation, None);
            }
        }
    }

    fn start_deadline_passed(self: Arc<Self>, generation: u32) {
        let run = self.life().run.clone().filter(|run| run.generation == generation);
        if let Some(run) = run {
            lock(&run.known).start_deadline_passed = true;
        }
    }
}

/// Tells the run's thread that the process is gone, and ends the run itself if that takes too long.
fn announce_end(shared: &Arc<Shared>, run: &Arc<Run>) {
    run.send_step(Step::Ended);
    let deadline = Instant::now() + DRAIN_DEADLINE;
    let lane = lock(&run.known).events_wake.clone();
    if let Some(lane) = lane {
        let marker = Head::new(PacketKind::End, run.generation).packet();
        // In a thread of its own it could block for ever, and nobody would end the run.
        let body = move || {
            let _ = lane.send(&marker);
        };
        let _ = thread::Builder::new().name("mp-marker".into()).spawn(body);
    }
    let mut life = shared.life();
    while life.run.as_ref().is_some_and(|current| Arc::ptr_eq(current, run)) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let waited = shared.life_changed().wait_timeout(life, left);
        life = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    drop(life);
    finish(shared, run);
}

/// Ends the run: every command gets its outcome, then the last signals go out. Once.
fn finish(shared: &Arc<Shared>, run: &Arc<Run>) {
    if std::mem::replace(&mut *lock(&run.finished), true) {
        return;
    }
    let stderr = run.tail.lines(Instant::now() + STDERR_DEADLINE);
    let (report, lost) = {
        let mut life = shared.life();
        // Whoever has just asked for the end may still be telling what that meant for commands.
        while life.posting > 0 {
            life = shared.await_change(life);
        }
        let mut known = lock(&run.known);
        known.events_wake = None;
        let mut traffic = shared.traffic();
        let lost = traffic.end();
        let report = Arc::new(report(shared, run, &known, life.pid, stderr, lost.len()));
        traffic.gate = Gate::Ended(Arc::clone(&report));
        drop(traffic);
        shared.control().close();
        life.state = report.state;
        life.report = Some(Arc::clone(&report));
        life.pid = None;
        life.run = None;
        life.finishing = true;
        life.hooks += 1;
        (report, lost)
    };
    shared.life_changed().notify_all();
    let orderly = lock(&run.known).bye.is_some() && report.failure.is_none();
    for (call, entry) in lost {
        let outcome = if orderly { Outcome::Stopped } else { Outcome::Exited(Arc::clone(&report)) };
        shared.resolve(call, entry, outcome);
    }
    if let Some(failure) = &report.failure {
        let exception = Exception {
            process: report.name.clone(),
            pid: report.pid,
            command: None,
            call: None,
            kind: ExceptionKind::Crashed { commands_lost: report.commands_lost },
            message: failure.to_string(),
            backtrace: String::new(),
        };
        post(shared, Notice::Exception(Box::new(exception)));
        post(shared, Notice::Failed(Box::new(failure.clone())));
    }
    post(shared, Notice::State(report.state));
    post(shared, Notice::Finished(Arc::clone(&report)));
    let next = {
        let mut life = shared.life();
        life.finishing = false;
        life.restart.then(|| begin_run(shared, &mut life))
    };
    shared.life_changed().notify_all();
    if let Some((next, wake)) = next {
        wake.wake();
        begin(shared, &next);
    }
    if let Some(after_exit) = &shared.spec.after_exit {
        let hook = std::panic::AssertUnwindSafe(|| after_exit(&report));
        // A panic of the hook is told by the panic hook.
        let _ = std::panic::catch_unwind(hook);
    }
    shared.life().hooks -= 1;
    shared.life_changed().notify_all();
}

fn report(
    shared: &Shared,
    run: &Run,
    known: &Known,
    pid: Option<u32>,
    stderr: Vec<String>,
    commands_lost: usize,
) -> ExitReport {
    let status = known.ended.flatten();
    let failure = failure(shared, known, status, &stderr);
    let state = match &failure {
        None => State::Finished,
        Some(_) if known.ready => State::Crashed,
        Some(_) => State::Failed,
    };
    let bye = known.bye.as_ref();
    ExitReport {
        name: shared.name(),
        generation: run.generation,
        pid,
        state,
        status,
        killed: known.killed,
        cleaned_up: bye.is_some_and(|bye| bye.cleaned_up),
        cleanup_panic: bye.and_then(|bye| bye.cleanup_panic.clone()),
        failure,
        commands_lost,
        stderr,
    }
}

fn failure(
    shared: &Shared,
    known: &Known,
    status: Option<ExitStatus>,
    stderr: &[String],
) -> Option<Failure> {
    if known.failure.is_some() {
        return known.failure.clone();
    }
    if known.start_deadline_passed && !known.ready {
        return Some(Failure::StartDeadline { deadline: shared.spec.start_deadline });
    }
    if known.asked.is_some() || known.bye.is_some() {
        return None;
    }
    let Some(status) = status else {
        return Some(Failure::Abandoned);
    };
    Some(if known.ready {
        Failure::Crashed { status }
    } else {
        // A panic and most tools end with advice; what went wrong stands before it.
        let last_words = stderr[stderr.len().saturating_sub(LAST_WORDS)..].join(" | ");
        let stderr = match last_words.is_empty() {
            true => last_words,
            false => format!("; its last words: {last_words}"),
        };
        Failure::EndedBeforeReady { status, stderr }
    })
}
