//! Packets, as each side reads them from its lanes.
//!
//! An input is a sequence of packets, each preceded by its length, so that stateful code is tested
//! in many states. Besides not panicking, the controller's side must end every command, and the
//! run, exactly once.
//!
//! Beside each target are its seeds: valid packets, and a few that break the protocol.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::child::control as child_control;
use crate::child::link::Link;
use crate::child::startup::assignment::{Assignment, Place};
use crate::child::startup::registry::Registration;
use crate::controller::control::Control as _;
use crate::controller::run::rehearsal::Rehearsal;
use crate::fixtures::interface::{SampleControl, SampleProcess, builder, table};
use crate::fixtures::messages;
use crate::fixtures::packets::{GENERATION, each, in_parts, item, join, packet, together};
use crate::fixtures::zoo::{Tree, Zoo};
use crate::limits::{VALUE_BYTES, WINDOW_FALLBACK};
use crate::transport::{BoxedReceiver, ChildLanes};
use crate::wire::packets::kinds::{ItemKind, Lane, PacketKind};
use crate::wire::packets::packet::{Assembler, Head, ItemHead, PacketError, ReceivedPayload};
use crate::wire::value::codec::encode;

/// Splits an input into its packets; the last one may end early.
fn split(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_at_checked(2)?;
        let length = usize::from(u16::from_le_bytes([length[0], length[1]])).min(rest.len());
        let (packet, rest) = rest.split_at(length);
        data = rest;
        Some(packet)
    })
}

/// Encodes a value in the plain form.
fn encoded<T: serde::Serialize>(value: &T) -> Vec<u8> {
    [vec![0], encode(value)].concat()
}

/// Heads, items and parts.
pub(super) fn packets(data: &[u8]) {
    let mut assembler = Assembler::default();
    for packet in split(data) {
        let Ok((head, body)) = Head::parse(packet, GENERATION, Lane::Events) else { return };
        let take = |_: ItemHead, payload: ReceivedPayload<'_>| {
            let length = payload.bytes().len();
            assert!(length <= VALUE_BYTES);
            assert_eq!(payload.into_bytes().len(), length);
            Ok::<(), PacketError>(())
        };
        if assembler.take(head.kind, body, take).is_err() {
            return;
        }
    }
}

/// The life of a child: every kind of item, with values of the types in its interface.
fn life() -> Vec<Vec<u8>> {
    let zoo = Zoo::around(Tree::grown(), 5);
    let report = &messages::panic_reports()[0];
    vec![
        item(ItemKind::Property, 1, 0, &encoded(&vec!["a", "b"])),
        item(ItemKind::Event, 0, 0, &[encoded(&Tree::grown()), encoded(&7u16)].concat()),
        item(ItemKind::Ready, 0, 0, &[]),
        item(ItemKind::Progress, 1, 2, &0.5f64.to_le_bytes()),
        item(ItemKind::Returned, 0, 1, &encoded(&3i32)),
        item(ItemKind::Property, 0, 0, &encoded(&2.5f64)),
        item(ItemKind::Event, 1, 0, &[encoded(&1.0f64), encoded(&2.0f64)].concat()),
        item(ItemKind::Event, 1, 0, &[encoded(&3.0f64), encoded(&f64::NAN)].concat()),
        item(ItemKind::Signal, 1, 0, &encoded(&zoo)),
        item(ItemKind::Returned, 1, 2, &encoded(&zoo)),
        item(ItemKind::Raised, 1, 3, &encoded(&crate::Error::new("no seed"))),
        item(ItemKind::Panicked, 1, 4, report),
        item(ItemKind::Undecodable, 1, 5, b"a tree"),
        item(ItemKind::Unencodable, 1, 6, b"a zoo"),
        item(ItemKind::Cancelled, 0, 7, &[]),
        item(ItemKind::Stopped, 2, 8, &[]),
        item(ItemKind::Bye, 0, 0, &messages::byes()[0]),
    ]
}

pub(super) fn events_seeds() -> Vec<Vec<u8>> {
    let life = life();
    let failed: Vec<_> = messages::init_failures()
        .iter()
        .map(|failure| {
            let goodbye = item(ItemKind::Bye, 0, 0, &messages::byes()[1]);
            together(&[item(ItemKind::InitFailed, 0, 0, failure), goodbye])
        })
        .collect();
    let others = [
        each(&life),
        together(&life),
        in_parts(&life),
        join(&[Head::new(PacketKind::Credit, GENERATION).packet()]),
        join(&[Head::new(PacketKind::End, GENERATION).packet()]),
        // For a ping, and for a deadline, that never existed.
        join(&[packet(PacketKind::Pong, &messages::pongs()[0])]),
        together(&[item(ItemKind::Ready, 0, 0, &[]), item(ItemKind::Overrun, 0, 1, &[])]),
        together(&[item(ItemKind::Ready, 0, 0, &[]), item(ItemKind::TimedOut, 0, 1, &[])]),
    ];
    [&others[..], &failed].concat()
}

/// The controller's reader, with pending calls: each of them ends once, and so does the run.
pub(super) fn events(data: &[u8]) {
    let _ = live(data);
}

/// Returns an error if the child broke the protocol.
fn live(data: &[u8]) -> Result<(), String> {
    let inbox = crate::Inbox::new(|| {});
    let control = builder().inbox(&inbox).build().expect("nothing is missing");
    let (ends, finishes) = (Arc::<Counter>::default(), Arc::<Counter>::default());
    listen(&control, &ends, &finishes);
    let rehearsal = Rehearsal::begin(control.__core().process().shared());
    let first = control.add(1, 2);
    let mut grows = (0..5).map(|_| control.grow(Tree::Leaf, Vec::new())).collect::<Vec<_>>();
    // A command that ends as cancelled must have been cancelled, or have a deadline.
    let mut adds = [first, control.add(3, 4).timeout(Duration::from_secs(60))];
    let mut nothing = control.nothing();
    let calls = 3 + grows.len();

    let result = read(rehearsal, data, &inbox);
    let mut outcomes = usize::from(nothing.try_outcome().is_some());
    adds.iter_mut().for_each(|call| outcomes += usize::from(call.try_outcome().is_some()));
    grows.iter_mut().for_each(|call| outcomes += usize::from(call.try_outcome().is_some()));
    assert_eq!(outcomes, calls, "every command has an outcome");
    assert_eq!(ends.get(), calls, "and is reported as ended once");
    assert_eq!(finishes.get(), 1, "and so is the run");
    let _ = (control.power(), control.names());
    result
}

fn read(mut rehearsal: Rehearsal, data: &[u8], inbox: &crate::Inbox) -> Result<(), String> {
    let mut result = Ok(());
    for packet in split(data) {
        match rehearsal.packet(packet) {
            Ok(true) => {}
            Ok(false) => break,
            Err(why) => {
                result = Err(why);
                break;
            }
        }
    }
    while inbox.drain(Duration::from_secs(1)).more {}
    rehearsal.end();
    while inbox.drain(Duration::from_secs(1)).more {}
    result
}

#[derive(Default)]
struct Counter(std::sync::atomic::AtomicUsize);

impl Counter {
    fn add(&self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }

    fn get(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// Connects to all signals, so that everything is decoded.
fn listen(control: &SampleControl, ends: &Arc<Counter>, finishes: &Arc<Counter>) {
    let signals = control.signals();
    signals.add_finished.connect(|_| {});
    signals.grow_changed.connect(|_| {});
    signals.sprouted.connect(|_, _| {});
    signals.position.connect(|_, _| {});
    signals.power_changed.connect(|_| {});
    signals.names_changed.connect(|_| {});
    signals.exception_raised.connect(|exception| drop(exception.to_string()));
    let (ends, finishes) = (Arc::clone(ends), Arc::clone(finishes));
    let process = control.process().signals();
    process.call_ended.connect(move |_| ends.add());
    let last = Arc::clone(&finishes);
    process.finished.connect(move |report| {
        drop(report.to_string());
        last.add();
    });
    process.progress.connect(move |progress| {
        assert!((0.0..=1.0).contains(&progress.fraction));
        assert_eq!(finishes.get(), 0, "nothing comes after the end");
    });
}

/// The child's main thread: welcome, config, arguments.
pub(super) fn requests(data: &[u8]) {
    let (requests, lane) = mpsc::channel::<Vec<u8>>();
    let (control, control_lane) = mpsc::channel::<Vec<u8>>();
    let (events, _events) = mpsc::channel::<Vec<u8>>();
    let packets = split(data).map(<[u8]>::to_vec);
    packets.for_each(|packet| drop(requests.send(packet)));
    let lanes = ChildLanes {
        requests: Box::new(lane),
        requests_end: Arc::new(mpsc::channel::<Vec<u8>>().0),
        control: Box::new(control_lane),
        events: Arc::new(events),
    };
    let run = Assignment {
        generation: GENERATION,
        window: WINDOW_FALLBACK,
        nonce: [0; 16],
        initial: table().initial_values(),
        place: Place::Thread,
        faults: None,
        controller: None,
    };
    // After the last packet the controller is gone.
    drop(requests);
    let _ = (Registration::of::<SampleProcess>().serve)(lanes, run);
    drop(control);
}

fn commands() -> Vec<Vec<u8>> {
    let rows = encoded(&vec![None, Some([1u64, 2, 3, 4])]);
    let grow = [encoded(&Tree::grown()), rows].concat();
    vec![
        item(ItemKind::Welcome, 0, 0, &messages::welcomes()[0]),
        item(ItemKind::Call, 0, 1, &[encoded(&1), encoded(&2)].concat()),
        item(ItemKind::Call, 1, 2, &grow),
        item(ItemKind::Call, 2, 3, &[]),
        item(ItemKind::Call, 3, 4, &encoded(&2.5f64)),
        item(ItemKind::Call, 4, 5, &[]),
    ]
}

pub(super) fn requests_seeds() -> Vec<Vec<u8>> {
    let commands = commands();
    vec![each(&commands), together(&commands), in_parts(&commands)]
}

/// The child's control thread.
pub(super) fn control(data: &[u8]) {
    let (events, _events) = mpsc::channel::<Vec<u8>>();
    let (requests_end, _requests) = mpsc::channel::<Vec<u8>>();
    let link =
        Link::new(GENERATION, WINDOW_FALLBACK, Arc::new(events), Arc::new(requests_end), None);
    link.command.begin(&ItemHead::new(ItemKind::Call, 0, 7));
    let (sender, lane) = mpsc::channel::<Vec<u8>>();
    let packets = split(data).map(<[u8]>::to_vec);
    packets.for_each(|packet| drop(sender.send(packet)));
    drop(sender);
    child_control::run(Box::new(lane) as BoxedReceiver, &link);
}

pub(super) fn control_seeds() -> Vec<Vec<u8>> {
    let states = messages::control_states();
    let packets: Vec<_> = states.iter().map(|state| packet(PacketKind::Control, state)).collect();
    vec![join(&packets)]
}

/// The controller's sockets, before it knows its peer.
#[cfg(target_os = "linux")]
pub(super) fn sockets(data: &[u8]) {
    let _ = introduced(data);
}

#[cfg(target_os = "linux")]
fn introduced(data: &[u8]) -> Result<(), String> {
    use rustix::net::{SendFlags, send};

    use crate::transport::socket::{Inherited, Offer};

    let Ok((offer, stdin)) = Offer::new() else { return Err("no sockets".into()) };
    let expected = offer.send(b"a record", None).map_err(|error| error.to_string())?;
    let (_, accepted) = Inherited::new(stdin).receive().map_err(|error| error.to_string())?;
    let child = accepted.into_events();
    for packet in split(data) {
        // Packets that find no room are dropped.
        let _ = send(&child, packet, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
    }
    drop(child);
    match expected.introduction(GENERATION, WINDOW_FALLBACK, [0; 16]) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(target_os = "linux")]
pub(super) fn sockets_seeds() -> Vec<Vec<u8>> {
    let introductions = messages::introductions();
    let items = introductions.iter().map(|bytes| item(ItemKind::Introduction, 0, 0, bytes));
    items.map(|item| [item]).flat_map(|item| [each(&item), in_parts(&item)]).collect()
}

/// Checks that valid inputs are valid.
#[cfg(test)]
pub(super) fn check_seeds() {
    let seeds = events_seeds();
    for (number, seed) in seeds.iter().enumerate() {
        let result = live(seed);
        // The end marker belongs to the watcher, and three inputs are lies.
        assert_eq!(result.is_err(), (4..=7).contains(&number), "{number}: {result:?}");
    }
    #[cfg(target_os = "linux")]
    for seed in sockets_seeds() {
        introduced(&seed).unwrap();
    }
}
