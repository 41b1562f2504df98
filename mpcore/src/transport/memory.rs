//! Lanes inside one process, for in-process mode and tests.

use std::sync::{Arc, mpsc};

use crate::transport::{
    ChildLanes, ControllerLanes, LaneEnd, LaneReceiveError, LaneReceiver, LaneSender, SendError,
};
use crate::wire::packets::kinds::PacketKind;
use crate::wire::packets::packet::Head;

impl LaneSender for mpsc::Sender<Vec<u8>> {
    fn send(&self, packet: &[u8]) -> Result<(), SendError> {
        mpsc::Sender::send(self, packet.to_vec()).map_err(|_| SendError::Closed)
    }
}

impl LaneEnd for mpsc::Sender<Vec<u8>> {
    fn end(&self, generation: u32) {
        let _ = mpsc::Sender::send(self, Head::new(PacketKind::End, generation).packet());
    }
}

impl LaneReceiver for mpsc::Receiver<Vec<u8>> {
    fn receive(&mut self, packet: &mut Vec<u8>) -> Result<(), LaneReceiveError> {
        *packet = self.recv().map_err(|_| LaneReceiveError::Closed)?;
        Ok(())
    }
}

/// Creates both ends of a set of lanes.
pub(crate) fn pair(window: u32) -> (ControllerLanes, ChildLanes) {
    let (requests, requests_rx) = mpsc::channel::<Vec<u8>>();
    let (control, control_rx) = mpsc::channel::<Vec<u8>>();
    let (events, events_rx) = mpsc::channel::<Vec<u8>>();
    let controller = ControllerLanes {
        requests: Arc::new(requests.clone()),
        control: Arc::new(control),
        events: Box::new(events_rx),
        events_end: Arc::new(events.clone()),
        window,
    };
    let child = ChildLanes {
        requests: Box::new(requests_rx),
        requests_end: Arc::new(requests),
        control: Box::new(control_rx),
        events: Arc::new(events),
    };
    (controller, child)
}
