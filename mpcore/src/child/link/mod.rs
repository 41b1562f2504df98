//! The child's connection to its controller, which its threads share: the events lane, the requests
//! to stop, and the running command.

pub(crate) mod cancels;
pub(crate) mod command;
pub(crate) mod deadlines;
pub(crate) mod events_lane;
pub(crate) mod faults;
pub(crate) mod stop;

use std::sync::Arc;

use crate::child::link::command::RunningCommand;
use crate::child::link::events_lane::EventsLane;
use crate::child::link::stop::StopRequests;
use crate::this_process::inherited;
use crate::transport::{LaneEnd, SharedSender};
use crate::wire::messages::fault::FaultPlan;

/// See the [module](self).
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) events: Arc<EventsLane>,
    pub(crate) stop: Arc<StopRequests>,
    pub(crate) command: Arc<RunningCommand>,
}

impl Link {
    pub(crate) fn new(
        generation: u32,
        window: u32,
        events: SharedSender,
        requests_end: Arc<dyn LaneEnd>,
        faults: Option<FaultPlan>,
    ) -> Self {
        let inherited: Arc<inherited::InheritedCommand> = Arc::default();
        let stop = Arc::new(StopRequests::new(generation, requests_end, Arc::clone(&inherited)));
        let events =
            Arc::new(EventsLane::new(generation, window, events, Arc::clone(&stop), faults));
        let command =
            Arc::new(RunningCommand::new(inherited, Arc::clone(&events), Arc::clone(&stop)));
        Self { events, stop, command }
    }

    pub(crate) fn generation(&self) -> u32 {
        self.events.generation()
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("generation", &self.generation()).finish_non_exhaustive()
    }
}
