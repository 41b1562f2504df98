//! Lanes inside one process, for in-process mode and tests.

use std::sync::{Arc, mpsc};

use super::{ChildLanes, Closed, ControllerLanes, LaneReceiver, LaneSender, ReceiveError};

impl LaneSender for mpsc::Sender<Vec<u8>> {
    fn send(&self, packet: &[u8]) -> Result<(), Closed> {
        mpsc::Sender::send(self, packet.to_vec()).map_err(|_| Closed)
    }
}

impl LaneReceiver for mpsc::Receiver<Vec<u8>> {
    fn receive(&mut self) -> Result<Vec<u8>, ReceiveError> {
        self.recv().map_err(|_| ReceiveError::Closed)
    }
}

/// Both ends of a set of lanes.
pub(crate) fn pair() -> (ControllerLanes, ChildLanes) {
    let (requests, requests_rx) = mpsc::channel::<Vec<u8>>();
    let (control, control_rx) = mpsc::channel::<Vec<u8>>();
    let (events, events_rx) = mpsc::channel::<Vec<u8>>();
    let controller = ControllerLanes {
        requests: Arc::new(requests.clone()),
        control: Arc::new(control),
        events: Box::new(events_rx),
        events_wake: Arc::new(events.clone()),
    };
    let child = ChildLanes {
        requests: Box::new(requests_rx),
        requests_wake: Arc::new(requests),
        control: Box::new(control_rx),
        events: Arc::new(events),
    };
    (controller, child)
}
