//! The child's life as a `QObject`: `laser.process` in QML. A value changes only together with the
//! emission that reports it. Its methods are those of [`mpcore::Process`]; writes of what only the
//! child's life sets are refused.
#![allow(unsafe_code)]
// `derive(QObject)` needs these.
#![allow(missing_docs, clippy::needless_pass_by_value, clippy::useless_transmute)]

use std::cell::{Cell, RefCell};
use std::rc::Weak;
use std::time::Duration;

use mpcore::{ExitReport, Process, ProcessSignals, ProcessState, StartError};
use qmetaobject::{QObject, QString, QVariant, qt_base_class, qt_method, qt_property, qt_signal};

use crate::convert::{decode, text_of};
use crate::javascript::{self, Kind};
use crate::object::{ControlObject, Link, NotStarted, Owner, mpqt_keep, refused_write};
use crate::records;

/// The state of the child's life as last delivered, which is what the properties show.
struct Life {
    state: ProcessState,
    generation: u32,
    pid: u32,
    stale: bool,
    exit: QVariant,
    /// The run that `exit` belongs to.
    exit_of: u32,
}

impl Default for Life {
    fn default() -> Self {
        let (state, exit) = (ProcessState::Created, QVariant::default());
        Self { state, generation: 0, pid: 0, stale: false, exit, exit_of: 0 }
    }
}

impl Life {
    fn set_exit(&mut self, report: &ExitReport) {
        (self.exit, self.exit_of) = (records::exit_report(report), report.generation);
    }
}

/// The life cycle of a child, as QML sees it. A property changes with its signal: everything that
/// QML reads is as of the signal that it received last.
///
/// | member | meaning |
/// |---|---|
/// | `start()` `stop()` `terminate()` `kill()` `restart()` | as in [`mpcore::Process`]; none of them waits |
/// | `stop_with(reason)` | stops with a text that the child and `exit.reason` get |
/// | `finish()` `finish_within(milliseconds)` | runs the queued commands, then stops the child |
/// | `cancel(call)` `cancel_all()` | cancel requests |
/// | `autostart` | whether the child starts when the component is complete; true by default |
/// | `name` | can be set |
/// | `pid` | 0 while there is no process |
/// | `state` | `"created"` `"starting"` `"running"` `"finishing"` `"stopping"` `"finished"` `"failed"` `"crashed"` |
/// | `alive` | whether there is a process, or one is being started |
/// | `generation` | counts the runs |
/// | `stale` | whether the properties are those of a child that has ended; until the next run's values arrive |
/// | `exit` | how the last run ended, or undefined |
/// | `started(pid)` `ready()` `failed(failure)` `finished(exit)` | one run, in this order |
/// | `state_changed(state)` | |
/// | `stopping(reason)` | the child was asked to end, and why |
/// | `restarting(restart)` `gave_up(end)` | the decision of the builder's restart policy after the end of a run |
/// | `unresponsive(verdict)` `responsive()` | the child does not answer; it answers again |
/// | `stdout_line(text)` `stderr_line(text)` | its output, if the builder captures it; show it as plain text |
/// | `progress(call, fraction)` | progress of a running command, from 0 to 1 |
///
/// Qt identifies classes by their unqualified names, so this one has a name that no application
/// uses; in Rust it is [`mpqt::ProcessObject`](crate::ProcessObject).
///
/// `failed` is for code that follows the run. Every failure, including failed starts, also arrives
/// as `exception_raised` of the object, under its own kind: show one of the two.
///
/// `failure` is `{ kind, text }`, `exit` is `{ name, generation, pid, state, end, code, killed,
/// cleanup, reason, failure, commands_lost, commands_stopped, lines_dropped, stderr, text }`,
/// `restart` is `{ attempt, delay, exit, text }` with the delay in milliseconds, `end` is `{
/// reason, exit, text }`, `verdict` is `{ command, call, tracer, text }` with the command that the
/// child was executing, or null.
#[allow(missing_debug_implementations, dead_code)]
#[derive(QObject, Default)]
pub struct MpqtProcess {
    base: qt_base_class!(trait QObject),
    owner: RefCell<Option<Weak<dyn Owner>>>,
    /// The opposite of `autostart`, so that the default is right.
    by_hand: Cell<bool>,
    life: RefCell<Life>,

    autostart: qt_property!(bool; READ get_autostart WRITE set_autostart NOTIFY autostart_changed),
    autostart_changed: qt_signal!(),
    name: qt_property!(QString; READ get_name WRITE set_name NOTIFY name_changed),
    name_changed: qt_signal!(),
    pid: qt_property!(u32; READ get_pid WRITE refuse_pid NOTIFY pid_changed),
    pid_changed: qt_signal!(),
    state: qt_property!(QString; READ get_state WRITE refuse_state NOTIFY state_changed),
    alive: qt_property!(bool; READ get_alive WRITE refuse_alive NOTIFY state_changed),
    generation: qt_property!(u32; READ get_generation WRITE refuse_generation NOTIFY state_changed),
    state_changed: qt_signal!(state: QString),
    stale: qt_property!(bool; READ get_stale WRITE refuse_stale NOTIFY stale_changed),
    stale_changed: qt_signal!(),
    exit: qt_property!(QVariant; READ get_exit WRITE refuse_exit NOTIFY exit_changed),
    exit_changed: qt_signal!(),

    started: qt_signal!(pid: u32),
    ready: qt_signal!(),
    failed: qt_signal!(failure: QVariant),
    finished: qt_signal!(exit: QVariant),
    stopping: qt_signal!(reason: QString),
    restarting: qt_signal!(restart: QVariant),
    gave_up: qt_signal!(end: QVariant),
    unresponsive: qt_signal!(verdict: QVariant),
    responsive: qt_signal!(),
    stdout_line: qt_signal!(text: QString),
    stderr_line: qt_signal!(text: QString),
    progress: qt_signal!(call: u64, fraction: f64),

    start: qt_method!(fn(&self)),
    restart: qt_method!(fn(&self)),
    stop: qt_method!(fn(&self)),
    stop_with: qt_method!(fn(&self, reason: QString)),
    finish: qt_method!(fn(&self)),
    finish_within: qt_method!(fn(&self, milliseconds: QVariant)),
    terminate: qt_method!(fn(&self)),
    kill: qt_method!(fn(&self)),
    cancel: qt_method!(fn(&self, call: QVariant)),
    cancel_all: qt_method!(fn(&self)),
}

impl MpqtProcess {
    /// Makes the C++ half.
    ///
    /// # Safety
    /// The cell does not move until it is dropped, and has no C++ half yet.
    pub(crate) unsafe fn constructed(this: &RefCell<MpqtProcess>, owner: Weak<dyn Owner>) {
        *this.borrow().owner.borrow_mut() = Some(owner);
        // SAFETY: by this function's contract.
        unsafe { mpqt_keep(MpqtProcess::cpp_construct(this)) };
    }

    /// Starts the child when its component is complete.
    pub(crate) fn autostart(this: &RefCell<MpqtProcess>) {
        let this = Self::shared(this);
        if this.by_hand.get() {
            return;
        }
        if let Err(NotStarted { why, warned }) = this.try_start(Process::start) {
            if !warned {
                javascript::warn_of(Some(this), &why);
            }
            let exception = records::start_refused(&this.get_name().to_string(), &why);
            if let Some(owner) = this.owner.borrow().as_ref().and_then(Weak::upgrade) {
                owner.raise_soon(exception);
            }
            this.emit_soon(move |this| this.failed(records::start_failure("start", &why)));
        }
    }

    /// Connects the signals of the child's life to those of the object.
    pub(crate) fn connect<T: ControlObject>(
        link: &Link<T>,
        signals: &ProcessSignals,
        process: fn(&T) -> &RefCell<MpqtProcess>,
    ) {
        // One emission per signal and property: a handler may destroy the object.
        link.connect_if(&signals.started, always, move |&(pid,)| {
            move |object: &T| Self::shared(process(object)).show_pid(pid)
        });
        link.connect_if(&signals.started, always, move |&(pid,)| {
            move |object: &T| Self::shared(process(object)).started(pid)
        });
        link.connect_if(&signals.ready, always, move |()| {
            move |object: &T| Self::shared(process(object)).ready()
        });
        link.connect_if(&signals.failed, always, move |(failure,)| {
            let failure = records::failure(failure);
            move |object: &T| Self::shared(process(object)).failed(failure)
        });
        link.connect_if(&signals.finished, always, move |(report,)| {
            let report = report.clone();
            move |object: &T| Self::shared(process(object)).show_exit(&report)
        });
        link.connect_if(&signals.finished, always, move |(report,)| {
            let report = records::exit_report(report);
            move |object: &T| Self::shared(process(object)).finished(report)
        });
        link.connect_if(&signals.stale_changed, always, move |&(stale,)| {
            move |object: &T| Self::shared(process(object)).show_stale(stale)
        });
        link.connect_if(&signals.stopping, always, move |(reason,)| {
            let reason = records::text(&reason.to_string());
            move |object: &T| Self::shared(process(object)).stopping(reason)
        });
        link.connect_if(&signals.restarting, always, move |(restarting,)| {
            let restarting = records::restarting(restarting);
            move |object: &T| Self::shared(process(object)).restarting(restarting)
        });
        link.connect_if(&signals.gave_up, always, move |(end,)| {
            let end = records::gave_up(end);
            move |object: &T| Self::shared(process(object)).gave_up(end)
        });
        link.connect_if(&signals.unresponsive, always, move |(verdict,)| {
            let verdict = records::unresponsive(verdict);
            move |object: &T| Self::shared(process(object)).unresponsive(verdict)
        });
        link.connect_if(&signals.responsive, always, move |()| {
            move |object: &T| Self::shared(process(object)).responsive()
        });
        link.connect_if(&signals.stdout_line, always, move |(line,)| {
            let line = records::text(line);
            move |object: &T| Self::shared(process(object)).stdout_line(line)
        });
        link.connect_if(&signals.stderr_line, always, move |(line,)| {
            let line = records::text(line);
            move |object: &T| Self::shared(process(object)).stderr_line(line)
        });
        // When a run has ended, its pid is reset and its exit is set before the state changes.
        link.connect_if(&signals.state_changed, always, move |&(state,)| {
            move |object: &T| {
                if state.has_ended() {
                    Self::shared(process(object)).show_pid(0);
                }
            }
        });
        link.connect_if(&signals.state_changed, always, move |&(state,)| {
            move |object: &T| {
                let this = Self::shared(process(object));
                let report = this.look(Process::exit_report).flatten();
                let generation = this.life.borrow().generation;
                let own = report.filter(|it| state.has_ended() && it.generation == generation);
                if let Some(report) = own {
                    this.show_exit(&report);
                }
            }
        });
        link.connect_if(&signals.state_changed, always, move |&(state,)| {
            move |object: &T| {
                let this = Self::shared(process(object));
                this.show_state(state);
                this.state_changed(records::text(&state.to_string()));
            }
        });
        link.connect_if(&signals.progress, always, move |(progress,)| {
            let (call, fraction) = (progress.call.get(), progress.fraction);
            move |object: &T| Self::shared(process(object)).progress(call, fraction)
        });
    }

    /// Shows the current state of the child.
    pub(crate) fn show(&self, process: &Process) {
        let mut life = self.life.borrow_mut();
        (life.state, life.generation) = (process.state(), process.generation());
        life.pid = process.pid().unwrap_or(0);
        life.stale = process.is_stale();
        if let Some(report) = process.exit_report() {
            life.set_exit(&report);
        }
    }

    fn show_pid(&self, pid: u32) {
        let before = std::mem::replace(&mut self.life.borrow_mut().pid, pid);
        if before != pid {
            self.pid_changed();
        }
    }

    fn show_stale(&self, stale: bool) {
        let before = std::mem::replace(&mut self.life.borrow_mut().stale, stale);
        if before != stale {
            self.stale_changed();
        }
    }

    fn show_exit(&self, report: &ExitReport) {
        if self.life.borrow().exit_of != report.generation {
            self.life.borrow_mut().set_exit(report);
            self.exit_changed();
        }
    }

    fn show_state(&self, state: ProcessState) {
        // A state that was queued when the object was attached belongs to a run that it already
        // shows.
        let newest = self.look(Process::generation).unwrap_or(0);
        let mut life = self.life.borrow_mut();
        if state == ProcessState::Starting {
            life.generation = newest.min(life.generation + 1);
        }
        life.state = state;
    }

    /// Starts the child, or returns why that is not possible.
    fn try_start(&self, start: fn(&Process) -> Result<(), StartError>) -> Result<(), NotStarted> {
        let owner = self.owner.borrow().as_ref().and_then(Weak::upgrade);
        let gone = || Err("the object is gone".to_owned().into());
        owner.map_or_else(gone, |owner| owner.start(start))
    }

    fn start_or_throw(&self, start: fn(&Process) -> Result<(), StartError>) {
        if let Err(NotStarted { why, .. }) = self.try_start(start) {
            javascript::throw(self, Kind::Generic, &why);
        }
    }

    /// Calls `look` with the child's life, if there is a child.
    fn look<R>(&self, look: impl FnOnce(&Process) -> R) -> Option<R> {
        let owner = self.owner.borrow().as_ref().and_then(Weak::upgrade)?;
        let (mut look, mut result) = (Some(look), None);
        owner.process(&mut |process| result = look.take().map(|look| look(process)));
        result
    }

    fn start(&self) {
        self.start_or_throw(Process::start);
    }

    fn restart(&self) {
        self.start_or_throw(Process::restart);
    }

    fn stop(&self) {
        self.look(Process::stop);
    }

    fn stop_with(&self, reason: QString) {
        self.look(|process| process.stop_with(text_of(&reason)));
    }

    fn finish(&self) {
        self.look(Process::finish);
    }

    fn finish_within(&self, milliseconds: QVariant) {
        match decode::<f64>(milliseconds) {
            Ok(milliseconds) if milliseconds >= 0.0 => {
                // A time too long for a `Duration` means no limit.
                let within = Duration::try_from_secs_f64(milliseconds / 1000.0);
                self.look(|process| process.finish_within(within.unwrap_or(Duration::MAX)));
            }
            Ok(milliseconds) => {
                let why = format!(
                    "process.finish_within: {milliseconds} is not a valid number of milliseconds"
                );
                javascript::throw(self, Kind::Type, &why);
            }
            Err(error) => {
                let why = format!("process.finish_within: argument `milliseconds`: {error}");
                javascript::throw(self, Kind::Type, &why);
            }
        }
    }

    fn terminate(&self) {
        self.look(Process::terminate);
    }

    fn kill(&self) {
        self.look(Process::kill);
    }

    fn cancel(&self, call: QVariant) {
        match decode(call) {
            Ok(call) => {
                self.look(|process| process.cancel(mpcore::CallId::new(call)));
            }
            Err(error) => {
                let why = format!("process.cancel: argument `call`: {error}");
                javascript::throw(self, Kind::Type, &why);
            }
        }
    }

    fn cancel_all(&self) {
        self.look(Process::cancel_all);
    }

    fn get_autostart(&self) -> bool {
        !self.by_hand.get()
    }

    fn set_autostart(&self, autostart: bool) {
        if self.by_hand.replace(!autostart) == autostart {
            self.emit_soon(MpqtProcess::autostart_changed);
        }
    }

    fn get_name(&self) -> QString {
        records::text(&self.look(Process::name).unwrap_or_default())
    }

    fn set_name(&self, name: QString) {
        if self.get_name() != name {
            self.look(|process| process.set_name(text_of(&name)));
            self.emit_soon(MpqtProcess::name_changed);
        }
    }

    fn get_pid(&self) -> u32 {
        self.life.borrow().pid
    }

    fn get_state(&self) -> QString {
        records::text(&self.life.borrow().state.to_string())
    }

    fn get_alive(&self) -> bool {
        self.life.borrow().state.is_alive()
    }

    fn get_generation(&self) -> u32 {
        self.life.borrow().generation
    }

    fn get_stale(&self) -> bool {
        self.life.borrow().stale
    }

    fn get_exit(&self) -> QVariant {
        self.life.borrow().exit.clone()
    }

    fn refuse(&self, property: &str) {
        refused_write("process", property);
        let why = format!("process.{property} is read-only: the child's life sets it");
        javascript::warn_of(Some(self), &why);
    }

    fn refuse_pid(&self, _: u32) {
        self.refuse("pid");
    }

    fn refuse_state(&self, _: QString) {
        self.refuse("state");
    }

    fn refuse_alive(&self, _: bool) {
        self.refuse("alive");
    }

    fn refuse_generation(&self, _: u32) {
        self.refuse("generation");
    }

    fn refuse_stale(&self, _: bool) {
        self.refuse("stale");
    }

    fn refuse_exit(&self, _: QVariant) {
        self.refuse("exit");
    }

    /// Returns a shared reference to the object, whose fields are all cells.
    pub(crate) fn shared(this: &RefCell<MpqtProcess>) -> &MpqtProcess {
        // SAFETY: it is never borrowed mutably, and Qt calls it without going through the cell.
        unsafe { &*this.as_ptr() }
    }

    /// Queues an emission: a handler may destroy the object.
    fn emit_soon(&self, emit: impl FnOnce(&MpqtProcess) + 'static) {
        if let Some(owner) = self.owner.borrow().as_ref().and_then(Weak::upgrade) {
            owner.emit_soon(Box::new(emit));
        }
    }
}

/// The signals of the child's life are rare, and cheap to convert.
fn always<T>(_: &T) -> bool {
    true
}
