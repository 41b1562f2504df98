//! The handshake through ipc-channel: the child connects to an endpoint whose name it gets through
//! its stdin pipe.
//!
//! A stranger that connects there, or stays silent, uses up one endpoint but not the child's chance
//! to connect.

use std::collections::HashMap;
use std::process::{ChildStdin, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use crate::controller::report::failure::RunFailure;
use crate::controller::run::connect::{
    NotConnected, bootstrap, other_protocol, recognise, resources, spawn,
};
use crate::controller::state::Shared;
use crate::controller::state::run::{Run, Step};
use crate::limits::{ENDPOINTS, GREETING_DESCRIPTORS, SILENT_PEER, START_DESCRIPTORS};
use crate::process::sys;
use crate::process::watch::Watched;
use crate::trace::event;
use crate::transport::ControllerLanes;
use crate::transport::ipc::{self, Endpoint, Greeting, Hello};
use crate::wire::messages::handshake::{Bootstrap, Nonce, Record};

pub(crate) fn connect(
    shared: &Arc<Shared>,
    run: &Arc<Run>,
    owner: Arc<dyn Watched>,
    nonce: Nonce,
    steps: &mpsc::Receiver<Step>,
) -> Result<ControllerLanes, NotConnected> {
    sys::room_for_descriptors(START_DESCRIPTORS).map_err(|error| resources(&error))?;
    let mut endpoints = Endpoints { shared, run, nonce, open: HashMap::new(), attempts: 0 };
    let first = endpoints.open().map_err(|error| resources(&error))?;
    let pipe = spawn(shared, run, owner, Stdio::piped()).inspect_err(|_| endpoints.give_up())?;
    let Some(mut pipe) = pipe else {
        endpoints.give_up();
        return Err(NotConnected::Refused(RunFailure::Resources("the child has no stdin".into())));
    };
    // A child that does not read its pipe is detected by the start deadline; the records fit into
    // the pipe.
    let _ = Record::Connect(first).write(&mut pipe);
    let greeted = greet(&mut endpoints, &mut pipe, steps);
    endpoints.give_up();
    let (attempt, hello) = greeted?;
    recognise(shared, run, &hello.introduction)?;
    let _ = Record::Accepted(attempt).write(&mut pipe);
    Ok(hello.into_lanes())
}

/// Waits for the right greeting, and opens a fresh endpoint if a stranger took one, or if one is
/// silent for too long.
fn greet(
    endpoints: &mut Endpoints<'_>,
    pipe: &mut ChildStdin,
    steps: &mpsc::Receiver<Step>,
) -> Result<(u32, Box<Hello>), NotConnected> {
    loop {
        let step = if endpoints.attempts < ENDPOINTS.get() as u32 {
            steps.recv_timeout(SILENT_PEER.get())
        } else {
            steps.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match step {
            Ok(Step::Ended) | Err(RecvTimeoutError::Disconnected) => {
                return Err(NotConnected::Ended);
            }
            Ok(Step::Greeted { attempt, greeting }) => {
                endpoints.open.remove(&attempt);
                // If the kernel cuts it short, the child's greeting looks like a stranger's.
                if greeting.is_err()
                    && let Err(error) = sys::room_for_descriptors(GREETING_DESCRIPTORS)
                {
                    return Err(NotConnected::Refused(RunFailure::Resources(error.to_string())));
                }
                match greeting {
                    Ok(Greeting::Hello(hello)) if hello.introduction.nonce == endpoints.nonce => {
                        return Ok((attempt, hello));
                    }
                    Ok(Greeting::OtherProtocol { protocol, nonce }) if nonce == endpoints.nonce => {
                        return Err(other_protocol(protocol));
                    }
                    _ => event!(
                        WARN, "mpcore::run", in endpoints.run.span.id(), "stranger at the endpoint",
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
    shared: &'a Arc<Shared>,
    run: &'a Arc<Run>,
    nonce: Nonce,
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
        let run = Arc::clone(self.run);
        let body = move || {
            let greeting = endpoint.accept();
            run.send_step(Step::Greeted { attempt, greeting });
        };
        thread::Builder::new().name("mp-accept".into()).spawn(body)?;
        self.open.insert(attempt, name.clone());
        Ok(bootstrap(self.shared, self.run, self.nonce, attempt, name))
    }

    /// Ends the waiting threads.
    fn give_up(&mut self) {
        for (_, name) in self.open.drain() {
            ipc::give_up(&name);
        }
    }
}
