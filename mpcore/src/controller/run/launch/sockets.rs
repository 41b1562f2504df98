//! Launches a process that inherits packet sockets, so there are no strangers to tell apart from
//! it.

use std::process::Stdio;

use crate::controller::report::failure::RunFailure;
use crate::controller::run::launch::introduction::{other_protocol, recognise};
use crate::controller::run::launch::prepare;
use crate::controller::run::launch::spawn::{bootstrap, nonce, spawn};
use crate::controller::state::launcher::{Launch, Launched, Launcher, NotLaunched};
use crate::process::sys;
use crate::transport::socket::{Offer, Said};
use crate::transport::{LaneReceiveError, window};
use crate::wire::messages::handshake::Record;

/// The error of a program that keeps running without the socket that is its stdin.
const NEVER_SAID_WHO: &str = "it closed the socket that is its stdin before it introduced itself; is \
     `mpcore::init()` or `mpcore::child_main` the first line of its `main`?";

/// Runs the child as a process, over packet sockets.
#[derive(Debug)]
pub(super) struct OverSockets;

impl Launcher for OverSockets {
    fn launch(&self, launch: &Launch<'_>) -> Result<Launched, NotLaunched> {
        let Launch { shared, run, .. } = launch;
        let resources = |error: &dyn std::fmt::Display| NotLaunched::resources(error);
        prepare(shared)?;
        let (nonce, window) = (nonce()?, window());
        let (offer, stdin) = Offer::new().map_err(|error| resources(&error))?;
        let mut record = Vec::new();
        let first = bootstrap(launch, nonce, 1, String::new(), window);
        Record::Connect(first).write(&mut record).map_err(|error| resources(&error))?;
        // From here on only the child has it.
        let sent = offer.send(&record, sys::end_of_this_process().as_ref());
        let expected = sent.map_err(|error| resources(&error))?;
        spawn(launch, Stdio::from(stdin))?;
        run.ends_with(expected.end());
        let introduction = match expected.introduction(run.generation, window, nonce) {
            Ok(Said::Introduction(introduction)) => introduction,
            Ok(Said::OtherProtocol(child)) => return Err(other_protocol(child)),
            Err(LaneReceiveError::Closed) => return Err(NotLaunched::Closed(NEVER_SAID_WHO)),
            Err(LaneReceiveError::Broken(why)) => {
                return Err(NotLaunched::Refused(RunFailure::Broken(why)));
            }
        };
        recognise(shared, run, &introduction)?;
        Ok(Launched { lanes: expected.into_lanes(window), nonce })
    }
}
