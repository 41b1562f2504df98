//! The handshake over packet sockets: the child inherits them, so there are no strangers to tell
//! apart from it.

use std::process::Stdio;
use std::sync::Arc;

use crate::controller::report::failure::RunFailure;
use crate::controller::run::connect::{
    NotConnected, bootstrap, other_protocol, recognise, resources, spawn,
};
use crate::controller::state::Shared;
use crate::controller::state::run::Run;
use crate::process::sys;
use crate::process::watch::Watched;
use crate::transport::socket::{Offer, Said};
use crate::transport::{ControllerLanes, ReceiveError, window};
use crate::wire::messages::handshake::{Nonce, Record};

pub(crate) fn connect(
    shared: &Arc<Shared>,
    run: &Arc<Run>,
    owner: Arc<dyn Watched>,
    nonce: Nonce,
) -> Result<ControllerLanes, NotConnected> {
    let (offer, stdin) = Offer::new().map_err(|error| resources(&error))?;
    let mut record = Vec::new();
    let first = bootstrap(shared, run, nonce, 1, String::new());
    Record::Connect(first).write(&mut record).map_err(|error| resources(&error))?;
    // From here on only the child has it.
    let sent = offer.send(&record, sys::end_of_this_process().as_ref());
    let expected = sent.map_err(|error| resources(&error))?;
    spawn(shared, run, owner, Stdio::from(stdin))?;
    run.ends_with(expected.end());
    let introduction = match expected.introduction(run.generation, window(), nonce) {
        Ok(Said::Introduction(introduction)) => introduction,
        Ok(Said::OtherProtocol(child)) => return Err(other_protocol(child)),
        Err(ReceiveError::Closed) => return Err(NotConnected::Closed),
        Err(ReceiveError::Broken(why)) => {
            return Err(NotConnected::Refused(RunFailure::Broken(why)));
        }
    };
    recognise(shared, run, &introduction)?;
    Ok(expected.into_lanes(window()))
}
