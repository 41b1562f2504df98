//! Launches a process that connects to an endpoint of ipc-channel, whose name it gets through its
//! stdin pipe.
//!
//! A stranger that connects there, or stays silent, uses up one endpoint but not the child's chance
//! to connect. A thread waits at each endpoint, and only a greeting with the right nonce counts.

use std::collections::HashMap;
use std::process::{ChildStdin, Stdio};
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;

use crate::controller::report::failure::RunFailure;
use crate::controller::run::launch::introduction::{other_protocol, recognise};
use crate::controller::run::launch::prepare;
use crate::controller::run::launch::spawn::{bootstrap, nonce, spawn};
use crate::controller::state::launcher::{Launch, Launched, Launcher, NotLaunched};
use crate::controller::state::run::Step;
use crate::limits::{ENDPOINTS, GREETING_DESCRIPTORS, SILENT_PEER, START_DESCRIPTORS};
use crate::process::sys;
use crate::trace::event;
use crate::transport::ipc::{self, Endpoint, Greeting, Hello};
use crate::transport::window;
use crate::wire::messages::handshake::{Bootstrap, Nonce, Record};

/// Runs the child as a process, over channels of ipc-channel.
#[derive(Debug)]
pub(super) struct OverIpcChannel;

impl Launcher for OverIpcChannel {
    fn launch(&self, launch: &Launch<'_>) -> Result<Launched, NotLaunched> {
        prepare(launch.shared)?;
        let (nonce, window) = (nonce()?, window());
        let resources = |error: &dyn std::fmt::Display| NotLaunched::resources(error);
        sys::room_for_descriptors(START_DESCRIPTORS).map_err(|error| resources(&error))?;
        let mut endpoints = Endpoints { launch, nonce, window, open: HashMap::new(), attempts: 0 };
        let first = endpoints.open().map_err(|error| resources(&error))?;
        let pipe = spawn(launch, Stdio::piped()).inspect_err(|_| endpoints.give_up())?;
        let Some(mut pipe) = pipe else {
            endpoints.give_up();
            let why = "the child has no stdin".into();
            return Err(NotLaunched::Refused(RunFailure::Resources(why)));
        };
        // A child that does not read its pipe is detected by the start deadline; the records fit
        // into the pipe.
        let _ = Record::Connect(first).write(&mut pipe);
        let greeted = greet(&mut endpoints, &mut pipe);
        endpoints.give_up();
        let (attempt, hello) = greeted?;
        recognise(launch.shared, launch.run, &hello.introduction)?;
        let _ = Record::Accepted(attempt).write(&mut pipe);
        Ok(Launched { lanes: hello.into_lanes(window), nonce })
    }
}

/// Waits for the right greeting, and opens a fresh endpoint if a stranger took one, or if one is
/// silent for too long.
fn greet(
    endpoints: &mut Endpoints<'_>,
    pipe: &mut ChildStdin,
) -> Result<(u32, Box<Hello>), NotLaunched> {
    let steps = endpoints.launch.steps;
    loop {
        // A stranger that connects and says nothing must not use up the start deadline: the child
        // gets another endpoint meanwhile. The last one waits for as long as the run may start.
        let step = if endpoints.attempts < ENDPOINTS.get() as u32 {
            steps.recv_timeout(SILENT_PEER.get())
        } else {
            steps.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match step {
            Ok(Step::Ended) | Err(RecvTimeoutError::Disconnected) => {
                return Err(NotLaunched::Ended);
            }
            Ok(Step::Greeted { attempt, greeting }) => {
                endpoints.open.remove(&attempt);
                // If the kernel cuts it short, the child's greeting looks like a stranger's.
                if greeting.is_err()
                    && let Err(error) = sys::room_for_descriptors(GREETING_DESCRIPTORS)
                {
                    return Err(NotLaunched::Refused(RunFailure::Resources(error.to_string())));
                }
                match greeting {
                    Ok(Greeting::Hello(hello)) if hello.introduction.nonce == endpoints.nonce => {
                        return Ok((attempt, hello));
                    }
                    Ok(Greeting::OtherProtocol { protocol, nonce }) if nonce == endpoints.nonce => {
                        return Err(other_protocol(protocol));
                    }
                    _ => event!(
                        WARN, "mpcore::run", in endpoints.launch.run.span.id(), "stranger at the endpoint",
                        attempt = attempt,
                    ),
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if endpoints.attempts < ENDPOINTS.get() as u32
            && let Ok(next) = endpoints.open()
        {
            let _ = Record::Connect(next).write(pipe);
        }
    }
}

/// The endpoints to which the child may connect.
struct Endpoints<'a> {
    launch: &'a Launch<'a>,
    nonce: Nonce,
    window: u32,
    /// The names of the endpoints at which no greeting has arrived yet.
    open: HashMap<u32, String>,
    attempts: u32,
}

impl Endpoints<'_> {
    /// Opens one more endpoint, with a thread that waits there, because ipc-channel's accept has no
    /// deadline.
    fn open(&mut self) -> std::io::Result<Bootstrap> {
        let endpoint = Endpoint::new()?;
        self.attempts += 1;
        let attempt = self.attempts;
        let name = endpoint.name().to_owned();
        let run = Arc::clone(self.launch.run);
        let body = move || {
            let greeting = endpoint.accept();
            run.send_step(Step::Greeted { attempt, greeting });
        };
        thread::Builder::new().name("mp-accept".into()).spawn(body)?;
        self.open.insert(attempt, name.clone());
        Ok(bootstrap(self.launch, self.nonce, attempt, name, self.window))
    }

    /// Ends the waiting threads.
    fn give_up(&mut self) {
        for (_, name) in self.open.drain() {
            ipc::give_up(&name);
        }
    }
}
