//! From nothing to a set of lanes: on a thread of this process, or to a process that is spawned and
//! shakes hands.

use std::collections::HashMap;
use std::process::ChildStdin;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use super::command::{command, spawn_failure};
use super::{Run, Step};
use crate::child::registry::{self, Place};
use crate::controller::builder::{Output, Program};
use crate::controller::exit::Failure;
use crate::controller::inbox::{Notice, post};
use crate::controller::shared::Shared;
use crate::limits::{ENDPOINTS, SILENT_PEER};
use crate::process::watch::{self, Watched};
use crate::process::{ExitStatus, spawn, stderr};
use crate::sync::lock;
use crate::transport::ipc::{self, Endpoint, Greeting, Hello};
use crate::transport::{ControllerLanes, memory};
use crate::wire::fingerprint::Mismatch;
use crate::wire::handshake::{Bootstrap, Nonce, Record};
use crate::wire::packet::PROTOCOL;

/// Why a run has no lanes.
pub(super) enum NotConnected {
    /// There never was a process.
    NoProcess(Failure),
    /// There is one, and it must go.
    Refused(Failure),
    /// It has ended.
    Ended,
}

/// Starts a child on a thread.
pub(super) fn to_thread(
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
    take_initial_values(shared, run, &initial);
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
    // Before it is watched, and so before it can end.
    post(shared, Notice::Started(std::process::id()));
    let deadline = Instant::now().checked_add(shared.spec.start_deadline);
    watch::watch(run.key, Arc::clone(shared) as Arc<dyn Watched>, run.generation, None, deadline);
    run.watched();
    let name = format!("child-{}", shared.name().replace('\0', ""));
    if let Err(error) = thread::Builder::new().name(name).spawn(body) {
        watch::forget(run.key);
        return Err(resources(error));
    }
    Ok((lanes, nonce))
}

/// Starts a child process and shakes hands with it.
pub(super) fn to_process(
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
    let deadline = Instant::now().checked_add(shared.spec.start_deadline);
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
    take_initial_values(shared, run, &introduction.initial);
    let _ = Record::Accepted(attempt).write(&mut pipe);
    Ok((hello.into_lanes(), nonce))
}

/// Every run begins with the properties' initial values; a run that is over sets none.
fn take_initial_values(shared: &Arc<Shared>, run: &Run, initial: &[Vec<u8>]) {
    let finished = lock(&run.finished);
    if *finished {
        return;
    }
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
            controller: std::process::id(),
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
