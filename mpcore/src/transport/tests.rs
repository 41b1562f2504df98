//! What every transport must do, tested on each: the contract of [`LaneSender`], [`LaneReceiver`]
//! and [`LaneEnd`].
//!
//! [`LaneSender`]: crate::transport::LaneSender
//! [`LaneReceiver`]: crate::transport::LaneReceiver
//! [`LaneEnd`]: crate::transport::LaneEnd

use std::thread;

use crate::fixtures::interface::table;
use crate::fixtures::packets::GENERATION;
use crate::transport::ipc::{self, Endpoint, Greeting};
use crate::transport::{
    BoxedReceiver, ChildLanes, ControllerLanes, LaneReceiveError, SendError, memory, window,
};
use crate::wire::messages::handshake::{Introduction, Nonce};
use crate::wire::packets::credit::{charge, longest_packet};
use crate::wire::packets::kinds::{Lane, PacketKind};
use crate::wire::packets::packet::Head;

fn introduction() -> Introduction {
    let initial = table().initial_values();
    Introduction { nonce: Nonce::default(), pid: std::process::id(), facts: None, initial }
}

#[cfg(target_os = "linux")]
fn over_sockets(window: u32) -> (ControllerLanes, ChildLanes) {
    use crate::transport::socket::{Inherited, Offer, Said};

    let (offer, stdin) = Offer::new().unwrap();
    let expected = offer.send(b"a record", None).unwrap();
    let (record, accepted) = Inherited::new(stdin).receive().unwrap();
    assert_eq!(record, b"a record");
    let child = accepted.introduce(&introduction(), GENERATION, window).unwrap();
    let said = expected.introduction(GENERATION, window, Nonce::default()).unwrap();
    assert!(matches!(said, Said::Introduction(_)));
    (expected.into_lanes(window), child)
}

fn over_ipc_channel(window: u32) -> (ControllerLanes, ChildLanes) {
    let endpoint = Endpoint::new().unwrap();
    let name = endpoint.name().to_owned();
    let child = thread::spawn(move || ipc::greet(&name, introduction()).unwrap());
    let Ok(Greeting::Hello(hello)) = endpoint.accept() else { panic!("a child connects") };
    (hello.into_lanes(window), child.join().unwrap())
}

/// Calls the test with the lanes of each transport: with the window of this system, and with a
/// smaller one, since a lane may have any.
fn each(test: impl Fn(&str, ControllerLanes, ChildLanes)) {
    for window in [window(), 40 << 10] {
        let (controller, child) = memory::pair(window);
        test("memory", controller, child);
        let (controller, child) = over_ipc_channel(window);
        test("ipc-channel", controller, child);
        #[cfg(target_os = "linux")]
        {
            let (controller, child) = over_sockets(window);
            test("sockets", controller, child);
        }
    }
}

/// Packets of all lengths, as many as there is credit for.
fn a_window_of_packets(window: u32) -> Vec<Vec<u8>> {
    let lengths = [1, 22, 50, 1000, longest_packet(window), 7, 5000].into_iter().cycle();
    let mut left = u64::from(window);
    lengths
        .zip((1..=u8::MAX).cycle())
        .map(|(length, number)| vec![number; length])
        .take_while(|packet| {
            let cost = charge(packet.len());
            left.checked_sub(cost).map(|rest| left = rest).is_some()
        })
        .collect()
}

fn receive(lane: &mut BoxedReceiver, count: usize) -> Vec<Vec<u8>> {
    let mut packet = Vec::new();
    (0..count)
        .map(|_| {
            lane.receive(&mut packet).unwrap();
            packet.clone()
        })
        .collect()
}

/// Returns whether the lane says that nothing follows.
fn is_at_its_end(lane: &mut BoxedReceiver, name: Lane) -> bool {
    let mut packet = Vec::new();
    match lane.receive(&mut packet) {
        Ok(()) => matches!(
            Head::parse(&packet, GENERATION, name),
            Ok((Head { kind: PacketKind::End, .. }, []))
        ),
        Err(LaneReceiveError::Closed) => true,
        Err(broken) => panic!("{broken}"),
    }
}

/// The sender has credit, and the receiver may be stopped.
#[test]
fn a_lane_takes_a_whole_window_while_nothing_is_read() {
    each(|transport, controller, mut child| {
        let mut events = controller.events;
        let packets = a_window_of_packets(controller.window);
        assert!(packets.len() > 7);
        for packet in &packets {
            controller.requests.send(packet).unwrap();
            controller.control.send(packet).unwrap();
            child.events.send(packet).unwrap();
        }
        assert_eq!(receive(&mut child.requests, packets.len()), packets, "{transport}");
        assert_eq!(receive(&mut child.control, packets.len()), packets, "{transport}");
        assert_eq!(receive(&mut events, packets.len()), packets, "{transport}");
        // And so does what is read again.
        controller.requests.send(&packets[0]).unwrap();
        assert_eq!(receive(&mut child.requests, 1), packets[..1], "{transport}");
    });
}

#[test]
fn an_end_comes_after_everything_before_it() {
    each(|transport, controller, mut child| {
        let mut events = controller.events;
        for number in 0..20 {
            controller.requests.send(&[number; 30]).unwrap();
            child.events.send(&[number; 30]).unwrap();
        }
        for _ in 0..3 {
            child.requests_end.end(GENERATION);
            controller.events_end.end(GENERATION);
        }
        let expected: Vec<_> = (0..20).map(|number| vec![number; 30]).collect();
        assert_eq!(receive(&mut child.requests, 20), expected, "{transport}");
        assert_eq!(receive(&mut events, 20), expected, "{transport}");
        assert!(is_at_its_end(&mut child.requests, Lane::Requests), "{transport}");
        assert!(is_at_its_end(&mut events, Lane::Events), "{transport}");
    });
}

#[test]
fn an_end_ends_a_wait() {
    each(|transport, controller, child| {
        let (mut requests, mut events) = (child.requests, controller.events);
        let (requests_end, events_end) = (child.requests_end, controller.events_end);
        let waiting = [
            thread::spawn(move || is_at_its_end(&mut requests, Lane::Requests)),
            thread::spawn(move || is_at_its_end(&mut events, Lane::Events)),
        ];
        // Most of the time both wait by now; the result is the same if they do not.
        thread::yield_now();
        requests_end.end(GENERATION);
        events_end.end(GENERATION);
        for waiting in waiting {
            assert!(waiting.join().unwrap(), "{transport}");
        }
    });
}

#[test]
fn a_dropped_sender_closes_its_lane_after_the_rest() {
    each(|transport, controller, mut child| {
        let also = controller.control.clone();
        controller.control.send(b"one").unwrap();
        drop(controller.control);
        also.send(b"two").unwrap();
        drop(also);
        let expected = [b"one".to_vec(), b"two".to_vec()];
        assert_eq!(receive(&mut child.control, 2), expected, "{transport}");
        let closed = child.control.receive(&mut Vec::new());
        assert_eq!(closed, Err(LaneReceiveError::Closed), "{transport}");
    });
}

#[test]
fn a_send_to_a_reader_that_is_gone_fails() {
    each(|transport, controller, child| {
        let ControllerLanes { requests, control, events, events_end, .. } = controller;
        drop((child.requests, child.requests_end, child.control));
        for lane in [requests, control] {
            assert_eq!(lane.send(b"unread"), Err(SendError::Closed), "{transport}");
        }
        drop((events, events_end));
        assert_eq!(child.events.send(b"unread"), Err(SendError::Closed), "{transport}");
    });
}
