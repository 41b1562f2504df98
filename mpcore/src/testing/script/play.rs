//! The child that plays a script: welcome, steps, goodbye, on a thread and over the same lanes and
//! items as any other child; and the method of the builder that takes a script.

use std::sync::Arc;

use crate::child::control::{self, Grace};
use crate::child::link::Link;
use crate::child::panic::{Unwound, guard, install_hook};
use crate::child::serve::{Requests, say_goodbye};
use crate::child::startup::assignment::{Assignment, Place};
use crate::child::startup::exit_code;
use crate::controller::builder::ControlBuilder;
use crate::controller::control::Control;
use crate::controller::report::error::StartError;
use crate::controller::state::program::ThreadChild;
use crate::process::sys;
use crate::testing::script::verdict::ScriptFailure;
use crate::testing::script::{Act, Look, Script, Step, Value};
use crate::transport::ChildLanes;
use crate::wire::interface::description::InterfaceTable;
use crate::wire::messages::report::{InitFailure, PanicReport};
use crate::wire::packets::keyed::Key;
use crate::wire::packets::kinds::ItemKind;
use crate::wire::packets::packet::{Bytes, ItemHead};

/// How the steps of a run ended.
enum End {
    /// The child is to stop.
    Stopped,
    /// The child is gone without a goodbye.
    Gone(i32),
    /// With a goodbye, but before it was ready.
    Failed,
}

/// One run of a script.
struct Play<'a> {
    script: &'a Script,
    /// Counted from 0.
    run: usize,
    /// Number of its steps that were played.
    played: usize,
    table: &'a InterfaceTable,
    link: Link,
    requests: Requests,
    /// The running command: its index and the call's number.
    running: Option<(u16, u64)>,
}

impl ThreadChild for Script {
    fn serve(&self, table: &InterfaceTable, lanes: ChildLanes, run: Assignment) -> i32 {
        self.play(table, lanes, &run)
    }

    fn is_implemented(&self) -> bool {
        false
    }

    fn check(&self, table: &InterfaceTable) -> Result<(), StartError> {
        self.check_all(table).map_err(StartError::Script)
    }
}

impl<C: Control> ControlBuilder<C> {
    /// A child that plays this script on a thread, in place of one that implements the interface: for
    /// tests of what the application makes of it. It needs no config.
    #[must_use]
    pub fn script(self, script: &Script) -> Self {
        self.thread_child(Arc::new(script.clone()))
    }
}

impl Script {
    /// Plays this run's steps and returns the exit code.
    fn play(&self, table: &InterfaceTable, lanes: ChildLanes, run: &Assignment) -> i32 {
        install_hook();
        let ChildLanes { requests, requests_end, control, events } = lanes;
        let Assignment { generation, window, nonce, .. } = *run;
        let link = Link::new(generation, window, events, requests_end, None);
        if control::start(control, &link, Grace::default(), Place::Thread).is_err() {
            // Without the thread the child would miss a stop, so it does not begin.
            link.events.controller_lost();
        }
        let mut requests = Requests::new(requests, link.clone());
        if requests.welcome(nonce).is_none() {
            say_goodbye(&link, false, None);
            return exit_code::OK;
        }
        let number = generation.saturating_sub(1) as usize;
        let (script, running) = (self, None);
        let mut play = Play { script, run: number, played: 0, table, link, requests, running };
        let Some(steps) = self.runs.get(number) else {
            let failure = ScriptFailure::NoSuchRun { run: generation };
            self.log.fail(failure.clone());
            play.fail_to_start(&failure.to_string());
            say_goodbye(&play.link, false, None);
            return exit_code::INIT_FAILED;
        };
        let (cleaned_up, code) = match play.steps(steps) {
            End::Gone(code) => return code,
            End::Stopped => (true, exit_code::OK),
            End::Failed => (true, exit_code::INIT_FAILED),
        };
        play.requests.leave_the_rest();
        say_goodbye(&play.link, cleaned_up, None);
        code
    }
}

impl Play<'_> {
    fn steps(&mut self, steps: &[Step]) -> End {
        self.script.log.played(self.run, 0);
        for step in steps {
            if let Some(end) = self.step(step) {
                return end;
            }
        }
        let at = steps.last().map(|step| step.at.to_string()).unwrap_or_default();
        while let Some((head, _)) = self.requests.next() {
            self.refuse(head, "the end of the run", &at);
        }
        End::Stopped
    }

    /// Plays one step. Returns `None` if the next one follows.
    ///
    /// A step counts as played before the controller can see its effect, so that code that has seen
    /// the effect may ask for the verdict.
    fn step(&mut self, step: &Step) -> Option<End> {
        let waits = matches!(
            step.act,
            Act::Expect { .. } | Act::Answer { .. } | Act::UntilCancelled | Act::Run(_)
        );
        // Steps that wait are noted below, once their wait is over.
        if !waits {
            self.note_played();
        }
        match &step.act {
            Act::Ready => self.send(ItemHead::new(ItemKind::Ready, 0, 0), None, Vec::new()),
            Act::FailToStart(why) => {
                self.fail_to_start(why);
                return Some(End::Failed);
            }
            Act::Set { property, value } => {
                let names = self.table.properties.iter().map(|row| row.name);
                let index = index(names, property);
                let head = ItemHead::new(ItemKind::Property, index, 0);
                self.send(head, Some(Key::Property(index)), bytes(value));
            }
            Act::Emit { event, values } => {
                let names = self.table.events.iter().map(|row| row.name);
                let head = ItemHead::new(ItemKind::Event, index(names, event), 0);
                self.send(head, None, bytes(values));
            }
            Act::Expect { command, look } => {
                let (head, args) = match self.await_command(step, command) {
                    Ok(command) => command,
                    Err(end) => return Some(end),
                };
                self.note_played();
                self.running = Some((head.method, head.call));
                if let Some(look) = look {
                    self.look(step, command, look, &args);
                }
            }
            Act::Answer { command, look, .. } => {
                // Not two steps: the script counts it once, before its result is sent.
                let (head, args) = match self.await_command(step, command) {
                    Ok(command) => command,
                    Err(end) => return Some(end),
                };
                self.running = Some((head.method, head.call));
                self.note_played();
                if let Some(value) = self.look(step, command, look, &args) {
                    self.end(ItemKind::Returned, bytes(&value));
                }
            }
            Act::Reply(value) => self.end(ItemKind::Returned, bytes(value)),
            Act::Raise(error) => self.end(ItemKind::Raised, bytes(error)),
            Act::Panic(text) => self.panicked(text.clone(), step.at.to_string()),
            Act::Progress(fraction) => {
                if let Some((_, call)) = self.running {
                    let head = ItemHead::new(ItemKind::Progress, 0, call);
                    let payload = fraction.clamp(0.0, 1.0).to_le_bytes().to_vec();
                    self.send(head, Some(Key::Progress(call)), payload);
                }
            }
            Act::UntilCancelled => {
                if self.running.is_some() {
                    self.link.command.wait_for_end();
                }
                // Either ends the wait; a child that is asked for both reports the stop.
                let kind = match self.link.stop.stopping() {
                    true => ItemKind::Stopped,
                    false => ItemKind::Cancelled,
                };
                self.note_played();
                self.end(kind, Vec::new());
            }
            Act::Run(code) => {
                let ran = guard(|| crate::sync::lock(code)());
                if let Err(unwound) = ran {
                    let (message, at) = (said(unwound), step.at.to_string());
                    self.script.log.fail(ScriptFailure::Panicked { message, at });
                }
                self.note_played();
            }
            Act::Exit(code) => return Some(End::Gone(*code)),
            Act::Crash => return Some(End::Gone(sys::SEGMENTATION_FAULT)),
            Act::Hang => {
                self.link.events.wait_for_cut_off();
                return Some(End::Gone(exit_code::CONTROLLER_LOST));
            }
        }
        None
    }

    fn note_played(&mut self) {
        self.played += 1;
        self.script.log.played(self.run, self.played);
    }

    /// Waits for this command; other commands that come are ended immediately.
    fn await_command(&mut self, step: &Step, command: &str) -> Result<(ItemHead, Bytes), End> {
        loop {
            let (head, args) = self.requests.next().ok_or(End::Stopped)?;
            if self.name(head) != command {
                self.refuse(head, &step.to_string(), &step.at.to_string());
            } else if self.link.command.begin(&head) {
                return Ok((head, args));
            }
        }
    }

    /// Ends a command that the script does not expect, and records that.
    fn refuse(&mut self, head: ItemHead, step: &str, at: &str) {
        if !self.link.command.begin(&head) {
            return; // cancelled before its turn
        }
        let command = self.name(head).to_owned();
        let failure =
            ScriptFailure::Unexpected { command, step: step.to_owned(), at: at.to_owned() };
        self.running = Some((head.method, head.call));
        self.script.log.fail(failure.clone());
        self.panicked(failure.to_string(), at.to_owned());
    }

    fn name(&self, head: ItemHead) -> &'static str {
        self.table.commands.get(usize::from(head.method)).map_or("", |row| row.name)
    }

    /// Passes the arguments to the test. The command ends here if that fails.
    fn look(&mut self, step: &Step, command: &str, look: &Look, args: &Bytes) -> Option<Value> {
        let message = match guard(|| look.at(args.as_slice())) {
            Ok(Ok(value)) => return value,
            Ok(Err(error)) => error.to_string(),
            Err(unwound) => said(unwound),
        };
        let (command, at) = (command.to_owned(), step.at.to_string());
        let failure = ScriptFailure::Arguments { command, message, at: at.clone() };
        self.script.log.fail(failure.clone());
        self.panicked(failure.to_string(), at);
        None
    }

    fn panicked(&mut self, message: String, location: String) {
        let report = PanicReport { message, location, backtrace: String::new() };
        self.end(ItemKind::Panicked, postcard::to_stdvec(&report).unwrap_or_default());
    }

    /// Ends the running command. Does nothing if it has already ended because the test refused it.
    fn end(&mut self, kind: ItemKind, payload: Vec<u8>) {
        if let Some((command, call)) = self.running.take() {
            self.link.command.end();
            self.send(ItemHead::new(kind, command, call), None, payload);
        }
    }

    fn fail_to_start(&self, why: &str) {
        let failure = InitFailure::PostrunInit(crate::Error::new(why));
        let payload = postcard::to_stdvec(&failure).unwrap_or_default();
        self.send(ItemHead::new(ItemKind::InitFailed, 0, 0), None, payload);
    }

    fn send(&self, head: ItemHead, key: Option<Key>, payload: Vec<u8>) {
        // If the controller is gone, there is no receiver.
        let _ = self.link.events.send(head, key, payload);
    }
}

/// The check of the script has verified that every name exists and that every value can be encoded.
fn index<'a>(mut names: impl Iterator<Item = &'a str>, name: &str) -> u16 {
    names.position(|it| it == name).and_then(|at| u16::try_from(at).ok()).unwrap_or(u16::MAX)
}

fn bytes(value: &Value) -> Vec<u8> {
    value.bytes.clone().unwrap_or_default()
}

/// Returns the text of a panic, or of the cancel that has ended the code.
fn said(unwound: Unwound) -> String {
    match unwound {
        Unwound::Panicked(report) => report.to_string(),
        Unwound::Cancelled => crate::Cancelled.to_string(),
    }
}
