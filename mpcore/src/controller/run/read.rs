//! Reads the events lane: outcomes, properties, events, and the steps of the child's life. A packet
//! that a child must not send makes the run fail.
//!
//! Nothing here waits for anything but the lane, and no user code runs here but an inbox's `wake` and
//! an executor's waker.
//!
//! Before it reads, a run opens the two lanes to the child ([`open`]), and sends the welcome as
//! soon as the config is encoded.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::controller::finish;
use crate::controller::flow_control::allowance::Allowance as _;
use crate::controller::flow_control::control_lane::LaneError;
use crate::controller::model::health::FalseWord;
use crate::controller::model::limit::Limit;
use crate::controller::model::order::Told;
use crate::controller::report::exit::ProcessState;
use crate::controller::report::failure::RunFailure;
use crate::controller::report::outcome::{Outcome, UndeliveredItem};
use crate::controller::signals::inbox::Wake;
use crate::controller::signals::mirror::Mirror;
use crate::controller::signals::notice::Notice;
use crate::controller::state::Shared;
use crate::controller::state::config::ConfigBytes;
use crate::controller::state::posting::{enqueue, enqueue_change, post};
use crate::controller::state::run::Run;
use crate::limits::{PANIC_TEXT_BYTES, REPORT_BYTES};
use crate::process::watch;
use crate::sync::lock;
use crate::trace::{self, event};
use crate::transport::{
    BoxedReceiver, ControllerLanes, LaneReceiveError, LaneSender, SendError, SharedSender,
};
use crate::wire::messages::handshake::{Nonce, Welcome};
use crate::wire::messages::report::{Bye, InitFailure, Undelivered};
use crate::wire::packets::credit::{FalseReport, charge};
use crate::wire::packets::kinds::{ItemKind, Lane, PacketKind};
use crate::wire::packets::packet::{
    Assembler, CallFlags, Head, ItemHead, PacketError, ReceivedPayload,
};
use crate::wire::value::codec::{DecodeError, decode};
use crate::wire::value::memory::{NoMemory, room_for};

/// Why the events lane is no longer read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error(transparent)]
    Packet(#[from] PacketError),
    #[error(transparent)]
    FalseReport(#[from] FalseReport),
    #[error(transparent)]
    Credit(#[from] LaneError),
    #[error(transparent)]
    Memory(#[from] NoMemory),
    #[error("an invalid report: {0}")]
    Report(#[from] DecodeError),
    #[error(transparent)]
    Word(#[from] FalseWord),
    #[error("{0}")]
    Content(&'static str),
}

/// What has been read of the lane so far.
#[derive(Default)]
pub(crate) struct Incoming {
    assembler: Assembler,
    told: Told,
}

/// Why reading ended before the marker.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// All senders are gone.
    Closed,
    /// The child violates the protocol.
    Broken(String),
    /// There is no memory for what the child sends.
    NoMemory(String),
}

impl From<Broken> for Unreadable {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Memory(_) | Broken::Packet(PacketError::Memory(_)) => {
                Self::NoMemory(broken.to_string())
            }
            _ => Self::Broken(broken.to_string()),
        }
    }
}

/// A lane to a child. If it is full although there was credit, the child has lied.
struct Checked {
    lane: SharedSender,
    run: Arc<Run>,
}

impl LaneSender for Checked {
    fn send(&self, packet: &[u8]) -> Result<(), SendError> {
        let sent = self.lane.send(packet);
        match sent {
            Ok(()) => {}
            Err(SendError::Full) => self.run.declare_jammed(),
            Err(SendError::Closed) => self.run.has_closed_a_lane(),
        }
        sent
    }
}

/// Opens the lanes: the welcome is sent as soon as the config is encoded, then the queued commands.
pub(crate) fn open(
    shared: &Arc<Shared>,
    run: &Arc<Run>,
    lanes: ControllerLanes,
    nonce: Nonce,
) -> BoxedReceiver {
    let ControllerLanes { requests, control, events, events_end, window } = lanes;
    let checked = |lane| Arc::new(Checked { lane, run: Arc::clone(run) }) as SharedSender;
    lock(&run.known).introduced = true;
    let going = run.finished.hold();
    let grant =
        going.is_some().then(|| shared.control().open(checked(control), run.generation, window));
    drop(going);
    shared.keep_watch();
    run.ends_with(events_end);
    let config = lock(&shared.config).clone().unwrap_or_else(ConfigBytes::none);
    let (requests, name) = (checked(requests), shared.name());
    let (shared, run) = (Arc::clone(shared), Arc::clone(run));
    config.then(move |encoded| {
        let welcome = encoded.and_then(|config| {
            // The largest number means no limit: a child in a debugger takes as long as it needs.
            let grace = match shared.is_patient() {
                true => u32::MAX,
                false => u32::try_from(shared.options.stop_grace.as_millis()).unwrap_or(u32::MAX),
            };
            let at_exit = shared.options.at_exit;
            let welcome = Welcome { nonce, name, grace, at_exit, config: config.to_vec() };
            postcard::to_stdvec(&welcome).map_err(|error| error.to_string())
        });
        let Some(grant) = grant else { return };
        match welcome {
            Ok(welcome) => {
                let Some(_going) = run.finished.hold() else { return };
                shared.traffic().open_lane(requests, run.generation, grant, window, welcome);
            }
            Err(why) => run.fail(RunFailure::Config(why)),
        }
        shared.keep_watch();
    });
    events
}

/// Reads until the end marker, or until the lane is closed after the end.
pub(crate) fn read(
    shared: &Arc<Shared>,
    run: &Run,
    mut events: BoxedReceiver,
) -> Result<(), Unreadable> {
    let (mut incoming, mut packet) = (Incoming::default(), Vec::new());
    loop {
        match events.receive(&mut packet) {
            Ok(()) => {}
            Err(LaneReceiveError::Closed) if lock(&run.known).ended.is_some() => return Ok(()),
            Err(LaneReceiveError::Closed) => return Err(Unreadable::Closed),
            Err(broken) => return Err(Unreadable::Broken(broken.to_string())),
        }
        let _traced = trace::later();
        let Some(_going) = run.finished.hold() else { return Ok(()) };
        match take_packet(shared, run, &mut incoming, &packet) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(broken) => return Err(broken.into()),
        }
    }
}

/// Handles a packet; returns whether to go on.
pub(crate) fn take_packet(
    shared: &Arc<Shared>,
    run: &Run,
    incoming: &mut Incoming,
    packet: &[u8],
) -> Result<bool, Broken> {
    let (head, body) = Head::parse(packet, run.generation, Lane::Events)?;
    let Incoming { assembler, told } = incoming;
    let cost = if head.kind.uses_credit() { charge(packet.len()) } else { 0 };
    match head.kind {
        PacketKind::End => {
            // This process sends it to itself when the child has ended, where a lane does not close
            // by itself.
            let spoken = lock(&run.known).ended.is_some();
            return if spoken {
                Ok(false)
            } else {
                Err(Broken::Content("an end marker from the child"))
            };
        }
        PacketKind::Items | PacketKind::Part => {
            assembler.take(head.kind, body, |item, payload| {
                told.next(item.kind).map_err(Broken::Content)?;
                take_item(shared, run, item, payload)
            })?;
        }
        PacketKind::Credit if body.is_empty() => {}
        PacketKind::Credit => {
            return Err(Broken::Content("a credit report with content"));
        }
        PacketKind::Pong => shared.answered(report(body)?)?,
        PacketKind::Control => return Err(PacketError::OtherLane(head.kind, Lane::Events).into()),
    }
    // Credit only after the items were taken: what they occupy in the inbox decides how much the
    // child may send.
    let mut withheld = false;
    shared.book(|grant| {
        let mut control = shared.control();
        let before = control.is_withheld();
        control.packet_read(head.consumed_control, cost, grant)?;
        withheld = !before && control.is_withheld();
        Ok::<(), LaneError>(())
    })?;
    if withheld {
        event!(DEBUG, "mpcore::flow", in run.span.id(), "credit withheld");
    }
    shared.traffic().report(head.consumed)?;
    Ok(true)
}

/// Handles an item: an outcome resolves its call; all others are notices.
fn take_item(
    shared: &Arc<Shared>,
    run: &Run,
    item: ItemHead,
    payload: ReceivedPayload<'_>,
) -> Result<(), Broken> {
    let text = |payload: &ReceivedPayload<'_>| {
        let bytes = payload.bytes();
        String::from_utf8_lossy(&bytes[..bytes.len().min(PANIC_TEXT_BYTES)]).into_owned()
    };
    let outcome = match item.kind {
        ItemKind::Returned => Outcome::Returned(payload.into_bytes()),
        ItemKind::Raised => Outcome::Raised(payload.into_bytes()),
        ItemKind::Panicked => Outcome::Panicked(report(payload.bytes())?),
        ItemKind::Cancelled => Outcome::Cancelled,
        ItemKind::Stopped => Outcome::Stopped,
        ItemKind::TimedOut => Outcome::TimedOut(Duration::from_millis(item.deadline.into())),
        ItemKind::Undecodable => Outcome::Decode(text(&payload)),
        ItemKind::Unencodable => Outcome::Encode(text(&payload)),
        _ => return take_notice(shared, run, item, payload),
    };
    let (entry, done) = {
        let mut traffic = shared.traffic();
        // Otherwise a child could end a call that is still queued here, which would then run.
        if traffic.waits(item.call) {
            return Err(Broken::Content("an outcome of a call that it has not been sent"));
        }
        let entry = traffic.returned(item.call);
        if item.kind == ItemKind::Stopped
            && item.flags.has(CallFlags::NOT_BEGUN)
            && entry.as_ref().is_some_and(|entry| !entry.repeat.is_reapplied())
        {
            traffic.not_run += 1;
        }
        (entry, traffic.is_done())
    };
    let reapplied = entry.as_ref().and_then(|entry| entry.repeat.reapplied());
    if let Some(property) = reapplied {
        // Confirmed or refused: from now on the mirror shows this child's value.
        enqueue_change(shared, property, Mirror::let_go).wake();
    }
    let Some(entry) = entry else {
        return Err(Broken::Content("an outcome of a call that has none pending"));
    };
    // A cancelled command may not have reached the child, which then knows only its number.
    let is_its_own = entry.command == item.method || item.kind == ItemKind::Cancelled;
    let lie = match is_its_own {
        true => unasked(entry.limit, item.kind),
        false => Some("an outcome of another command"),
    };
    if let Some(lie) = lie {
        shared.resolve(item.call, entry, Outcome::Decode(lie.into()));
        return Err(Broken::Content(lie));
    }
    // Recorded before the outcome is reported: from then on the caller may rely on the write being
    // repeated in the next run.
    if item.kind == ItemKind::Returned {
        shared.traffic().writes.returned(item.call, entry.command, &entry.repeat);
    }
    shared.resolve(item.call, entry, outcome);
    if done {
        finish::stop_if_done(shared);
    }
    Ok(())
}

/// Returns what is wrong with an end that was not requested.
fn unasked(limit: Limit, kind: ItemKind) -> Option<&'static str> {
    match kind {
        // A command over its deadline may end as if it had been cancelled.
        ItemKind::Cancelled if !limit.cancelled && !limit.given => {
            Some("a cancelled outcome for a call that was not cancelled")
        }
        ItemKind::TimedOut if !limit.given => {
            Some("a timed-out outcome for a call without a deadline")
        }
        _ => None,
    }
}

/// Decodes a report of the child.
fn report<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Broken> {
    if bytes.len() > REPORT_BYTES {
        return Err(Broken::Content("an oversized report"));
    }
    Ok(decode(bytes)?)
}

/// Handles an item that is not an outcome.
fn take_notice(
    shared: &Arc<Shared>,
    run: &Run,
    item: ItemHead,
    payload: ReceivedPayload<'_>,
) -> Result<(), Broken> {
    let index = usize::from(item.method);
    let table = &shared.table;
    match item.kind {
        ItemKind::Property => {
            if index >= shared.mirrors.len() {
                return Err(Broken::Content("an unknown property"));
            }
            room_for(payload.bytes().len())?;
            enqueue_change(shared, item.method, |mirror| mirror.set(payload.bytes())).wake();
        }
        ItemKind::Event if index < table.events.len() => {
            post(shared, Notice::Event(item.method, payload.into_bytes()));
        }
        ItemKind::Signal if index < table.commands.len() => {
            post(shared, Notice::Signal(item.method, payload.into_bytes()));
        }
        ItemKind::Undelivered => {
            let Undelivered { what, message } = report(payload.bytes())?;
            let item = UndeliveredItem::named(table, what, item.method)
                .ok_or(Broken::Content("a report on an unknown item of the interface"))?;
            event!(
                WARN, "mpcore::call", in run.span.id(), "not delivered", item = item.name(),
            );
            let exception = shared.undelivered(item, &message);
            post(shared, Notice::Exception(Box::new(exception)));
        }
        ItemKind::Progress => {
            let bytes = payload
                .bytes()
                .try_into()
                .map_err(|_| Broken::Content("a progress of the wrong length"))?;
            let fraction = f64::from_le_bytes(bytes);
            if !(0.0..=1.0).contains(&fraction) {
                return Err(Broken::Content("a progress that is not between 0 and 1"));
            }
            // A worker thread of the child may report progress of a command that has just ended.
            if shared.traffic().pending.contains(item.call) {
                post(shared, Notice::Progress { call: item.call, fraction });
            }
        }
        ItemKind::Overrun => {
            shared.overran(item.call, Duration::from_millis(item.deadline.into()))?;
        }
        ItemKind::Ready => {
            watch::ready(run.key);
            lock(&run.known).ready = true;
            event!(INFO, "mpcore::run", in run.span.id(), "ready");
            // A thread that sees the child running may stop it; its signals come after `ready`.
            let wakes = {
                let mut life = shared.life();
                life.ready = true;
                let running = if life.state == ProcessState::Starting {
                    let finishes = life.finish.is_some();
                    life.state =
                        if finishes { ProcessState::Finishing } else { ProcessState::Running };
                    enqueue(shared, Notice::State(life.state))
                } else {
                    Wake::none()
                };
                let wakes = [running, enqueue(shared, Notice::Ready)];
                // Sends the waiting commands before any handler of `ready` can stop the child.
                shared.traffic().ready();
                wakes
            };
            wakes.into_iter().for_each(Wake::wake);
            shared.life_changed().notify_all();
        }
        ItemKind::InitFailed => {
            let failure: InitFailure = report(payload.bytes())?;
            event!(WARN, "mpcore::run", in run.span.id(), "not initialized", step = failure.step());
            lock(&run.known).failure.get_or_insert(failure.into());
        }
        ItemKind::Bye => {
            let bye: Bye = report(payload.bytes())?;
            event!(
                DEBUG, "mpcore::run", in run.span.id(), "goodbye",
                reason = bye.reason.name(), cleaned_up = bye.cleaned_up,
            );
            lock(&run.known).bye = Some(bye);
        }
        _ => {
            return Err(Broken::Content("an event or signal for an unknown item of the interface"));
        }
    }
    Ok(())
}
