//! What comes up the events lane: outcomes, properties, events, and the steps of the child's life.
//!
//! Nothing here waits for anybody but the lane, and nothing here runs user code.

use std::sync::Arc;

use super::Run;
use crate::controller::control_lane::LaneError;
use crate::controller::exit::State;
use crate::controller::inbox::{Notice, Wake, enqueue, post};
use crate::controller::outcome::Outcome;
use crate::controller::shared::Shared;
use crate::process::watch;
use crate::sync::lock;
use crate::transport::{
    ControllerLanes, LaneSender, ReceiveError, Receiver, SendError, Sender, window,
};
use crate::wire::credit::{FalseReport, charge};
use crate::wire::handshake::{Nonce, Welcome};
use crate::wire::packet::{Assembler, Head, ItemHead, ItemKind, PacketError, PacketKind, Payload};
use crate::wire::report::InitFailure;

/// Why the events lane is no longer read.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Packet(#[from] PacketError),
    #[error(transparent)]
    Report(#[from] FalseReport),
    #[error(transparent)]
    Credit(#[from] LaneError),
    #[error("{0}")]
    Content(&'static str),
}

/// Why reading has come to an end before the marker.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// Whoever could send is gone.
    Closed,
    /// The child does not keep to the protocol.
    Broken(String),
}

impl From<Broken> for Unreadable {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken.to_string())
    }
}

/// A lane to a child: one that is full although there was credit has a child that lies.
struct Checked {
    lane: Sender,
    run: Arc<Run>,
}

impl LaneSender for Checked {
    fn send(&self, packet: &[u8]) -> Result<(), SendError> {
        let sent = self.lane.send(packet);
        if sent == Err(SendError::Full) {
            self.run.declare_jammed();
        }
        sent
    }
}

/// Puts the lanes to use: the welcome goes out, then what has queued.
pub(super) fn open(
    shared: &Arc<Shared>,
    run: &Arc<Run>,
    lanes: ControllerLanes,
    nonce: Nonce,
) -> Receiver {
    let ControllerLanes { requests, control, events, events_end } = lanes;
    let checked = |lane| Arc::new(Checked { lane, run: Arc::clone(run) }) as Sender;
    let window = window();
    let welcome = Welcome {
        nonce,
        name: shared.name(),
        grace: u32::try_from(shared.spec.stop_grace.as_millis()).unwrap_or(u32::MAX),
        config: lock(&shared.spec.config).as_deref().unwrap_or_default().to_vec(),
    };
    let welcome = postcard::to_stdvec(&welcome).unwrap_or_default();
    lock(&run.known).introduced = true;
    let finished = lock(&run.finished);
    if !*finished {
        let grant = shared.control().open(checked(control), run.generation, window);
        shared.traffic().open_lane(checked(requests), run.generation, grant, window, welcome);
    }
    drop(finished);
    run.ends_with(events_end);
    events
}

/// Reads until the end marker, or until the lane is closed after the end.
pub(super) fn read(
    shared: &Arc<Shared>,
    run: &Run,
    mut events: Receiver,
) -> Result<(), Unreadable> {
    let (mut assembler, mut packet) = (Assembler::default(), Vec::new());
    loop {
        match events.receive(&mut packet) {
            Ok(()) => {}
            Err(ReceiveError::Closed) if lock(&run.known).ended.is_some() => return Ok(()),
            Err(ReceiveError::Closed) => return Err(Unreadable::Closed),
            Err(broken) => return Err(Unreadable::Broken(broken.to_string())),
        }
        let finished = lock(&run.finished);
        if *finished {
            return Ok(());
        }
        match take_packet(shared, run, &mut assembler, &packet) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(broken) => return Err(broken.into()),
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
        PacketKind::Control => {
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
            // Whoever sees that it is running may stop it, and is heard after `ready`.
            let wakes = {
                let mut life = shared.life();
                life.ready = true;
                let running = if life.state == State::Starting {
                    life.state = State::Running;
                    enqueue(shared, Notice::State(State::Running))
                } else {
                    Wake::none()
                };
                [running, enqueue(shared, Notice::Ready)]
            };
            wakes.into_iter().for_each(Wake::wake);
            shared.life_changed().notify_all();
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
