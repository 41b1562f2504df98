//! The interface and child that most tests use: one command for each behaviour that tests need;
//! with its config, and functions that start it and wait for its commands.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::children::blob::Blob;
use crate::children::mood::Mood;
use crate::children::scribble;
use crate::harness::transport::transport;

/// The configuration of the test child.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BenchConfig {
    /// The failure before the first command.
    pub fault: Option<InitFault>,
    /// The failure after the last command.
    pub cleanup_fault: Option<CleanupFault>,
    /// The file to which `cleanup` appends a line, so that tests can observe it.
    pub cleanup_log: Option<String>,
    /// Whether constructor, `postrun_init` and `cleanup` emit an event.
    pub talks: bool,
    /// Values that no two builds have by coincidence.
    pub settings: BTreeMap<String, u32>,
    /// Whether the config itself can be encoded and decoded.
    pub mood: Mood,
}

/// Where a start fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InitFault {
    /// The constructor returns an error.
    ConstructorErrs,
    /// The constructor panics.
    ConstructorPanics,
    /// The constructor sleeps forever.
    ConstructorHangs,
    /// `postrun_init` returns an error.
    PostrunInitErrs,
    /// `postrun_init` panics.
    PostrunInitPanics,
    /// `postrun_init` sleeps forever.
    PostrunInitHangs,
}

/// How `cleanup` fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CleanupFault {
    /// `cleanup` panics.
    Panics,
    /// `cleanup` sleeps forever.
    Hangs,
}

/// The error of [`Bench::divide`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DivideError {
    /// By zero.
    ByZero,
    /// Ended on request.
    Cancelled,
}

impl std::fmt::Display for DivideError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ByZero => "division by zero",
            Self::Cancelled => "cancelled",
        })
    }
}

impl From<mpcore::Cancelled> for DivideError {
    fn from(_: mpcore::Cancelled) -> Self {
        Self::Cancelled
    }
}

/// The surroundings of a child, as it sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// The arguments after the program, the mark and the name.
    pub arguments: Vec<String>,
    /// The working directory.
    pub directory: String,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// The name that the controller gave it.
    pub name: String,
    /// The number of the run.
    pub generation: u32,
    /// Its pid.
    pub pid: u32,
}

/// A bench of instruments, one command for each behaviour.
#[mpcore::process(config = BenchConfig)]
pub trait Bench {
    /// Adds two numbers.
    #[signal(name = "add_two_finished")]
    fn add_two(&mut self, num1: i32, num2: i32) -> i32;

    /// Divides.
    #[signal(postfix = "_finished")]
    fn divide(&mut self, a: i32, b: i32) -> Result<i32, DivideError>;

    /// Returns a result of two parts.
    #[signal]
    fn calibrate(&mut self) -> (f64, f64);

    /// Returns no result at all.
    #[signal]
    fn reset_counters(&mut self);

    /// Takes as many arguments as are allowed.
    #[signal(postfix = "_finished")]
    #[allow(clippy::too_many_arguments)]
    fn sum_all(
        &mut self,
        a: i64,
        b: i64,
        c: i64,
        d: i64,
        e: i64,
        f: i64,
        g: i64,
        h: i64,
        i: i64,
        j: i64,
        k: i64,
        l: i64,
        m: i64,
        n: i64,
        o: i64,
        p: String,
    ) -> String;

    /// Returns one value, whatever it contains.
    #[signal(postfix = "_found")]
    fn find(&mut self, length: usize) -> Option<Vec<f64>>;

    /// Returns its argument.
    fn echo(&mut self, bytes: Blob) -> Blob;

    /// Returns numbered bytes, as many as requested; sends the result once it has made all of them.
    fn make_bytes(&mut self, length: usize) -> Blob;

    /// Panics with this text.
    fn panic_with(&mut self, text: String) -> i32;

    /// Fails with a message, a cause and a location.
    fn fail(&mut self) -> mpcore::Result<i32>;

    /// Runs for this long unless it is ended; returns how often it checked.
    #[signal]
    fn work(&mut self, milliseconds: u64) -> mpcore::Result<u64>;

    /// The same, without an error type.
    fn work_on(&mut self, milliseconds: u64) -> u64;

    /// Runs until it is asked to end, and still returns a result.
    fn finish_all_the_same(&mut self) -> mpcore::Result<u64>;

    /// Runs until it is asked to end, and returns an unrelated error.
    fn end_with_another_error(&mut self) -> Result<(), DivideError>;

    /// Runs until its worker thread sees that it is asked to end.
    fn let_a_worker_watch(&mut self) -> mpcore::Result<()>;

    /// Runs for this long and ignores all requests.
    fn ignore_everything(&mut self, milliseconds: u64);

    /// The same, then fails.
    fn ignore_and_fail(&mut self, milliseconds: u64) -> Result<(), DivideError>;

    /// Emits `count` numbered events, then returns.
    fn flood(&mut self, count: u32) -> u32;

    /// Emits `count` blocks of this many bytes.
    fn flood_blocks(&mut self, count: u32, length: usize) -> u32;

    /// Emits numbered blocks of this many bytes, four at least, for this long; returns how many.
    fn flood_for(&mut self, milliseconds: u64, length: usize) -> u32;

    /// Tries to emit `count` blocks of this many bytes without waiting; returns how many were
    /// accepted and the error of the first refusal. Since the result is queued behind the blocks,
    /// it also creates a file.
    fn try_flood_blocks(&mut self, count: u32, length: usize, sign: String) -> (u32, String);

    /// Starts a thread that emits until the receiver is gone, and returns.
    fn leave_a_thread_emitting(&mut self);

    /// Sets `level` to 1, 2, 3 … and returns the last.
    fn raise_level(&mut self, count: u32) -> u32;

    /// Sets `connected`.
    fn plug(&mut self, on: bool);

    /// Emits `count` `latest` events and as many ordinary ones, alternately.
    fn wave(&mut self, count: u32);

    /// Emits `count` `latest` events.
    fn drift(&mut self, count: u32);

    /// Reports progress in this many steps.
    fn step_through(&mut self, steps: u32);

    /// Ends the process with this code, in the middle of the command.
    fn exit_with(&mut self, code: i32);

    /// Aborts the process.
    fn abort(&mut self);

    /// Ends the process by this signal.
    fn raise_signal(&mut self, number: i32);

    /// Starts a grandchild that sleeps; returns its pid.
    fn start_grandchild(&mut self) -> mpcore::Result<u32>;

    /// Starts a job in a process group of its own, as a shell with job control does; the job starts
    /// another process. Returns both pids.
    fn start_job(&mut self) -> mpcore::Result<[u32; 2]>;

    /// Starts jobs, each in a process group of its own with the environment variable, and restarts
    /// each whenever it ends.
    fn supervise_jobs(&mut self, jobs: u32, variable: (String, String)) -> mpcore::Result<()>;

    /// The same as `start_grandchild`, in a session of its own.
    fn start_runaway(&mut self) -> mpcore::Result<u32>;

    /// Emits another command's signal.
    fn emit_sum(&mut self, sum: i32);

    /// Writes lines to stderr.
    fn complain(&mut self, text: String, times: u32);

    /// Writes lines to stdout and stderr.
    fn print(&mut self, text: String, times: u32);

    /// Returns the settings of the config.
    fn settings(&mut self) -> BTreeMap<String, u32>;

    /// Returns the child's surroundings.
    fn surroundings(&mut self) -> Surroundings;

    /// Takes a mood.
    fn take_mood(&mut self, mood: Mood) -> i32;

    /// Takes a mood together with so many bytes that the arguments are not encoded on the caller's
    /// thread.
    fn take_heavy_mood(&mut self, weight: Blob, mood: Mood) -> i32;

    /// Returns the mood with this number.
    #[signal(postfix = "_finished")]
    fn make_mood(&mut self, number: u8) -> Mood;

    /// Fails with the mood with this number as the error.
    fn fail_in_mood(&mut self, number: u8) -> Result<(), Mood>;

    /// Emits the mood with this number.
    fn show_mood(&mut self, number: u8);

    /// Writes a packet that no real child sends to every socket it has.
    fn scribble(&mut self, packet: Blob);

    /// Once this file exists: for this long, reports ever more requests as read without reading
    /// any.
    fn swindle(&mut self, sign: String, milliseconds: u64);

    /// Closes the lanes that it should read, and runs on for this long, ignoring all requests.
    fn deafen(&mut self, milliseconds: u64);

    /// Whether the instrument is connected.
    #[property]
    fn connected(&self) -> bool;

    /// In volts; the child refuses more than 5 and replaces negative values with 0.
    #[property(write, notify = "power_set", default = 1.0)]
    fn power(&self) -> f64;

    /// A number that only increases.
    #[property]
    fn level(&self) -> u32;

    /// How many of the long-running commands have begun.
    #[property]
    fn begun(&self) -> u32;

    /// Events numbered from 0.
    #[event]
    fn tick(&self, number: u32);

    /// Bytes.
    #[event]
    fn block(&self, bytes: Blob);

    /// A mood.
    #[event]
    fn mood_shown(&self, mood: Mood);

    /// The position of the stage.
    #[event(latest)]
    fn position(&self, x: f64, y: f64);
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Bench, new = BenchProcess::open)]
pub struct BenchProcess {
    cx: BenchContext,
    config: BenchConfig,
}

/// A builder for a bench that runs `program` and sends nothing by itself.
#[must_use]
pub fn builder(program: &str) -> mpcore::ControlBuilder<BenchControl> {
    let quiet = mpcore::OutputMode::Null;
    let builder = BenchControl::builder().program(program).stdout(quiet).stderr(quiet);
    builder.config(BenchConfig::default()).transport(transport())
}

/// Spawns a bench and waits until it is ready.
///
/// # Panics
/// If it does not get ready.
#[must_use]
#[track_caller]
pub fn ready(builder: mpcore::ControlBuilder<BenchControl>) -> BenchControl {
    let bench = builder.spawn().expect("the bench starts");
    bench.process().wait_ready(crate::LONG).expect("the bench gets ready");
    bench
}

/// Waits until this many of the long-running commands have begun in this run.
#[track_caller]
pub fn until_begun(bench: &BenchControl, count: u32) {
    crate::until("the command has begun", || bench.begun() == count);
}

/// The tick that the constructor emits if the child `talks`.
pub const TICK_OF_CONSTRUCTOR: u32 = 1_000_001;
/// The same for `postrun_init`.
pub const TICK_OF_INIT: u32 = 1_000_002;
/// The same for `cleanup`.
pub const TICK_OF_CLEANUP: u32 = 1_000_003;

fn sleep_for_ever() -> ! {
    loop {
        thread::sleep(Duration::from_secs(1));
    }
}

fn mood(number: u8) -> Mood {
    const MOODS: [Mood; 6] = [
        Mood::Fine,
        Mood::RefusesToLeave,
        Mood::RefusesToArrive,
        Mood::PanicsOnLeaving,
        Mood::PanicsOnArriving,
        Mood::PanicsWhenShown,
    ];
    MOODS[usize::from(number) % MOODS.len()]
}

impl BenchProcess {
    #[allow(clippy::needless_pass_by_value)]
    fn open(cx: BenchContext, config: BenchConfig) -> mpcore::Result<Self> {
        if config.talks {
            cx.tick.emit(TICK_OF_CONSTRUCTOR);
        }
        match config.fault {
            Some(InitFault::ConstructorErrs) => Err(mpcore::Error::new("no lamp")),
            Some(InitFault::ConstructorPanics) => panic!("the lamp fell down"),
            Some(InitFault::ConstructorHangs) => sleep_for_ever(),
            _ => Ok(Self { cx, config }),
        }
    }

    /// Counts a long-running command that has begun.
    fn begin(&self) {
        self.cx.begun.modify(|begun| *begun += 1);
    }

    fn until_asked_to_end(&self) {
        self.begin();
        while !self.cx.cancelled() {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Bench for BenchProcess {
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        if self.config.talks {
            self.cx.tick.emit(TICK_OF_INIT);
        }
        match self.config.fault {
            Some(InitFault::PostrunInitErrs) => return Err(mpcore::Error::new("no power")),
            Some(InitFault::PostrunInitPanics) => panic!("a fuse blew"),
            Some(InitFault::PostrunInitHangs) => sleep_for_ever(),
            _ => {}
        }
        self.cx.connected.set(true);
        Ok(())
    }

    fn cleanup(&mut self) {
        if let Some(log) = &self.config.cleanup_log {
            use std::io::Write as _;
            let file = std::fs::OpenOptions::new().append(true).create(true).open(log);
            let mut file = file.expect("the cleanup log can be opened");
            // In one write: other processes append too.
            let line = format!("{}\n", std::process::id());
            file.write_all(line.as_bytes()).expect("a line can be written");
        }
        if self.config.talks {
            self.cx.tick.emit(TICK_OF_CLEANUP);
        }
        match self.config.cleanup_fault {
            Some(CleanupFault::Panics) => panic!("the lid is stuck"),
            Some(CleanupFault::Hangs) => sleep_for_ever(),
            None => {}
        }
    }

    fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
        num1 + num2
    }

    fn divide(&mut self, a: i32, b: i32) -> Result<i32, DivideError> {
        self.cx.check_cancelled()?;
        a.checked_div(b).ok_or(DivideError::ByZero)
    }

    fn calibrate(&mut self) -> (f64, f64) {
        (0.5, 2.0)
    }

    fn reset_counters(&mut self) {}

    fn sum_all(
        &mut self,
        a: i64,
        b: i64,
        c: i64,
        d: i64,
        e: i64,
        f: i64,
        g: i64,
        h: i64,
        i: i64,
        j: i64,
        k: i64,
        l: i64,
        m: i64,
        n: i64,
        o: i64,
        p: String,
    ) -> String {
        let sum: i64 = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o].iter().sum();
        format!("{sum} {p}")
    }

    fn find(&mut self, length: usize) -> Option<Vec<f64>> {
        (length > 0).then(|| (0..length).map(|index| index as f64 / 2.0).collect())
    }

    fn echo(&mut self, bytes: Blob) -> Blob {
        bytes
    }

    fn make_bytes(&mut self, length: usize) -> Blob {
        let bytes = Blob::numbered(length);
        self.begin();
        bytes
    }

    fn panic_with(&mut self, text: String) -> i32 {
        panic!("{text}")
    }

    fn fail(&mut self) -> mpcore::Result<i32> {
        let parsed = "many".parse::<i32>();
        parsed.map_err(|error| mpcore::Error::from(error).context("the counter cannot be read"))
    }

    fn work(&mut self, milliseconds: u64) -> mpcore::Result<u64> {
        self.begin();
        let end = Instant::now() + Duration::from_millis(milliseconds);
        let mut looked = 0;
        while Instant::now() < end {
            self.cx.check_cancelled()?;
            looked += 1;
            thread::sleep(Duration::from_millis(1));
        }
        Ok(looked)
    }

    fn work_on(&mut self, milliseconds: u64) -> u64 {
        self.begin();
        let end = Instant::now() + Duration::from_millis(milliseconds);
        let mut looked = 0;
        while Instant::now() < end {
            self.cx.cancel_point();
            looked += 1;
            thread::sleep(Duration::from_millis(1));
        }
        looked
    }

    fn finish_all_the_same(&mut self) -> mpcore::Result<u64> {
        self.until_asked_to_end();
        let met = self.cx.check_cancelled().is_err();
        Ok(u64::from(met))
    }

    fn end_with_another_error(&mut self) -> Result<(), DivideError> {
        self.until_asked_to_end();
        let _ = self.cx.check_cancelled();
        Err(DivideError::ByZero)
    }

    fn let_a_worker_watch(&mut self) -> mpcore::Result<()> {
        self.begin();
        let call = self.cx.call();
        let watch = move || {
            while call.check_cancelled().is_ok() {
                call.progress(0.5);
                thread::sleep(Duration::from_millis(1));
            }
        };
        thread::spawn(watch).join().map_err(|_| mpcore::Error::new("the worker panicked"))?;
        Err(mpcore::Error::new("the worker gave up"))
    }

    fn ignore_everything(&mut self, milliseconds: u64) {
        self.begin();
        thread::sleep(Duration::from_millis(milliseconds));
    }

    fn ignore_and_fail(&mut self, milliseconds: u64) -> Result<(), DivideError> {
        self.begin();
        thread::sleep(Duration::from_millis(milliseconds));
        Err(DivideError::ByZero)
    }

    fn flood(&mut self, count: u32) -> u32 {
        for number in 0..count {
            self.cx.tick.emit(number);
        }
        count
    }

    fn flood_blocks(&mut self, count: u32, length: usize) -> u32 {
        let block = Blob::numbered(length);
        for _ in 0..count {
            self.cx.block.emit(block.clone());
        }
        count
    }

    fn flood_for(&mut self, milliseconds: u64, length: usize) -> u32 {
        self.begin();
        let end = Instant::now() + Duration::from_millis(milliseconds);
        let mut number = 0_u32;
        while Instant::now() < end {
            let mut bytes = vec![0; length.max(4)];
            bytes[..4].copy_from_slice(&number.to_le_bytes());
            self.cx.block.emit(Blob(bytes));
            number += 1;
        }
        number
    }

    fn try_flood_blocks(&mut self, count: u32, length: usize, sign: String) -> (u32, String) {
        for number in 0..count {
            if let Err(refused) = self.cx.block.try_emit(Blob::numbered(length)) {
                std::fs::write(sign, "").expect("the file can be made");
                return (number, refused.to_string());
            }
        }
        (count, String::new())
    }

    fn leave_a_thread_emitting(&mut self) {
        let tick = self.cx.tick.clone();
        thread::spawn(move || {
            let mut number = 0;
            while tick.try_emit(number) != Err(mpcore::EmitError::ControllerGone) {
                number += 1;
            }
        });
    }

    fn raise_level(&mut self, count: u32) -> u32 {
        for level in 1..=count {
            self.cx.level.set(level);
        }
        count
    }

    fn plug(&mut self, on: bool) {
        self.cx.connected.set(on);
    }

    fn wave(&mut self, count: u32) {
        for number in 0..count {
            self.cx.position.emit(f64::from(number), -f64::from(number));
            self.cx.tick.emit(number);
        }
    }

    fn drift(&mut self, count: u32) {
        for number in 0..count {
            self.cx.position.emit(f64::from(number), -f64::from(number));
        }
    }

    fn step_through(&mut self, steps: u32) {
        for step in 1..=steps {
            self.cx.progress(f64::from(step) / f64::from(steps));
        }
    }

    fn exit_with(&mut self, code: i32) {
        std::process::exit(code)
    }

    fn abort(&mut self) {
        std::process::abort()
    }

    fn raise_signal(&mut self, number: i32) {
        let signal = rustix::process::Signal::from_named_raw(number).expect("a signal's number");
        loop {
            // Repeatedly: Rust's own handler of SIGSEGV ignores the first.
            let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn start_grandchild(&mut self) -> mpcore::Result<u32> {
        let mut sleep = std::process::Command::new("sleep");
        Ok(sleep.arg("600").spawn()?.id())
    }

    fn start_job(&mut self) -> mpcore::Result<[u32; 2]> {
        use std::io::BufRead as _;
        use std::os::unix::process::CommandExt as _;
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "sleep 600 > /dev/null & echo $!; exec sleep 600"]).process_group(0);
        let mut shell = shell.stdout(std::process::Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = shell.stdout.take().ok_or_else(|| mpcore::Error::new("no stdout"))?;
        std::io::BufReader::new(stdout).read_line(&mut line)?;
        Ok([shell.id(), line.trim().parse()?])
    }

    fn supervise_jobs(&mut self, jobs: u32, variable: (String, String)) -> mpcore::Result<()> {
        use std::os::unix::process::CommandExt as _;
        for _ in 0..jobs {
            let mut sleep = std::process::Command::new("sleep");
            sleep.arg("600").env(&variable.0, &variable.1).process_group(0);
            let mut job = sleep.spawn()?;
            std::thread::spawn(move || {
                while job.wait().is_ok() {
                    let Ok(next) = sleep.spawn() else { return };
                    job = next;
                }
            });
        }
        Ok(())
    }

    fn start_runaway(&mut self) -> mpcore::Result<u32> {
        let mut setsid = std::process::Command::new("setsid");
        Ok(setsid.args(["sleep", "600"]).spawn()?.id())
    }

    fn emit_sum(&mut self, sum: i32) {
        self.cx.add_two_finished.emit(sum);
    }

    fn complain(&mut self, text: String, times: u32) {
        for number in 1..=times {
            eprintln!("{text} {number}");
        }
    }

    fn print(&mut self, text: String, times: u32) {
        for number in 1..=times {
            println!("{text} {number}");
            eprintln!("{text} {number}");
        }
    }

    fn settings(&mut self) -> BTreeMap<String, u32> {
        self.config.settings.clone()
    }

    fn surroundings(&mut self) -> Surroundings {
        let directory = std::env::current_dir().unwrap_or_default();
        Surroundings {
            arguments: mpcore::args().map(|it| it.to_string_lossy().into_owned()).collect(),
            directory: directory.to_string_lossy().into_owned(),
            environment: std::env::vars().collect(),
            name: self.cx.name().to_owned(),
            generation: self.cx.generation(),
            pid: std::process::id(),
        }
    }

    fn take_mood(&mut self, _mood: Mood) -> i32 {
        1
    }

    fn take_heavy_mood(&mut self, _weight: Blob, _mood: Mood) -> i32 {
        2
    }

    fn make_mood(&mut self, number: u8) -> Mood {
        mood(number)
    }

    fn fail_in_mood(&mut self, number: u8) -> Result<(), Mood> {
        Err(mood(number))
    }

    fn show_mood(&mut self, number: u8) {
        self.cx.mood_shown.emit(mood(number));
    }

    fn scribble(&mut self, packet: Blob) {
        scribble::on_every_socket(&packet.0);
    }

    fn swindle(&mut self, sign: String, milliseconds: u64) {
        crate::until("there is a sign", || std::path::Path::new(&sign).exists());
        for step in 1..=milliseconds {
            scribble::on_every_socket(&scribble::credit(self.cx.generation(), step * 40_000));
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn deafen(&mut self, milliseconds: u64) {
        scribble::shut_every_socket();
        self.ignore_everything(milliseconds);
    }

    fn set_power(&mut self, power: f64) -> Result<f64, mpcore::Refused> {
        if power > 5.0 {
            return Err("more than 5 V".into());
        }
        Ok(power.max(0.0))
    }
}
