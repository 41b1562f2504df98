//! The notices that wait in a mailbox until the inbox's thread delivers them. Also which of them a
//! newer one may replace, and what each counts against the inbox's bound.

use std::sync::Arc;

use crate::controller::model::pending::SharedThen;
use crate::controller::report::escalation::Unresponsive;
use crate::controller::report::exit::{ProcessState, SharedReport};
use crate::controller::report::failure::RunFailure;
use crate::controller::report::notifications::{LinesDropped, RestartGivenUp, Restarting};
use crate::controller::report::outcome::{Exception, Outcome};
use crate::controller::signals::mailbox::{Mailbox, Weighed};
use crate::controller::signals::mirror::Mirror;
use crate::process::stream::OutputStream;
use crate::wire::messages::stop_reason::StopReason;
use crate::wire::packets::keyed::Key;
use crate::wire::packets::packet::Bytes;

/// The child to which an outcome belongs, where it is reported as an exception.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) pid: Option<u32>,
}

/// One notice that waits to be delivered.
pub(crate) enum Notice {
    Outcome {
        command: u16,
        call: u64,
        outcome: Arc<Outcome>,
        then: SharedThen,
        source: Option<Box<Source>>,
    },
    /// A property changed. Of a property's waiting notices this can only be the newest; its value
    /// is in the mirror. It becomes a [`Value`](Self::Value) when it is taken out, or when a newer
    /// one is posted after it.
    Property(u16),
    /// This version of a property's value.
    Value {
        index: u16,
        bytes: Arc<Vec<u8>>,
        version: u64,
    },
    Event(u16, Bytes),
    /// A command's signal that the child emitted without a call.
    Signal(u16, Bytes),
    Progress {
        call: u64,
        fraction: f64,
    },
    Started(u32),
    Ready,
    State(ProcessState),
    Stopping(Box<StopReason>),
    Stale(bool),
    Unresponsive(Box<Unresponsive>),
    Responsive,
    Exception(Box<Exception>),
    Failed(Box<RunFailure>),
    Finished(SharedReport),
    Restarting(Box<Restarting>),
    GaveUp(Box<RestartGivenUp>),
    Task(Box<dyn FnOnce() + Send>),
    /// A captured line. Bounded by its [backlog](crate::controller::state::captured), so its bytes
    /// do not count here.
    Line(OutputStream, String),
    LinesDropped(LinesDropped),
}

impl Notice {
    /// Returns the key of a notice that a newer one may replace. Changes of properties are posted
    /// separately.
    pub(crate) fn key(&self, latest: impl Fn(u16) -> bool) -> Option<Key> {
        match self {
            Self::Event(index, _) if latest(*index) => Some(Key::Event(*index)),
            Self::Progress { call, .. } => Some(Key::Progress(*call)),
            _ => None,
        }
    }

    /// Returns the notice with the value that the mirror holds now.
    pub(crate) fn with_value(mut self, mirrors: &[Arc<Mirror>]) -> Self {
        self.take_value(mirrors);
        self
    }

    /// Puts the value that the mirror holds now into a notice of a changed property.
    pub(crate) fn take_value(&mut self, mirrors: &[Arc<Mirror>]) {
        if let Self::Property(index) = *self {
            let mirror = mirrors.get(usize::from(index));
            let value = mirror.map(|it| it.read());
            let (bytes, version) = value.unwrap_or_default();
            *self = Self::Value { index, bytes, version };
        }
    }
}

impl Weighed for Notice {
    fn bytes(&self) -> usize {
        const ENTRY: usize = 64;
        if matches!(self, Self::Line(..)) {
            return 0;
        }
        ENTRY
            + match self {
                Self::Outcome { outcome, .. } => match &**outcome {
                    Outcome::Returned(bytes) | Outcome::Raised(bytes) => bytes.len(),
                    Outcome::Encode(text) | Outcome::Decode(text) => text.len(),
                    Outcome::Panicked(report) => {
                        report.message.len() + report.location.len() + report.backtrace.len()
                    }
                    _ => 0,
                },
                Self::Event(_, bytes) | Self::Signal(_, bytes) => bytes.len(),
                Self::Value { bytes, .. } => bytes.len(),
                _ => 0,
            }
    }
}

/// The waiting signals of one child.
pub(crate) type ChildInbox = Mailbox<Notice>;

impl ChildInbox {
    /// Begins a run: everything that is waiting belongs to older runs. It gets its values from the
    /// mirrors now, so nothing of the new run replaces it.
    pub(crate) fn begin_run(&self, mirrors: &[Arc<Mirror>]) {
        self.begin(|notice| notice.take_value(mirrors));
    }
}
