//! What the main thread of a child traces: the span of its run, that of the running command, and
//! how a command ended.
//!
//! They are entered while the user's code runs, so what that traces belongs to them, if the child has
//! a subscriber.

use std::cell::OnceCell;

use tracing::Level;

use crate::child::interface::{Child, Interface};
use crate::trace::{self, Entered, enter};
use crate::wire::interface::description::InterfaceTable;
use crate::wire::packets::kinds::ItemKind;
use crate::wire::packets::packet::ItemHead;

/// The names that appear in the trace of one run.
pub(crate) struct Names {
    process: String,
    commands: OnceCell<Vec<&'static str>>,
}

impl Names {
    pub(crate) fn new(process: String) -> Self {
        Self { process, commands: OnceCell::new() }
    }

    /// Returns the command's name. Only a child that is traced creates the table.
    pub(crate) fn command<P: Child>(&self, index: u16) -> Option<&'static str> {
        let commands = self.commands.get_or_init(|| {
            let table = InterfaceTable::new(P::Interface::NAME, P::Interface::__describe);
            table.commands.iter().map(|row| row.name).collect()
        });
        commands.get(usize::from(index)).copied()
    }

    /// Enters the span of this run, as its child sees it.
    pub(crate) fn enter_run(&self, generation: u32) -> Entered {
        enter(trace::span(Level::ERROR, || {
            tracing::error_span!(
                target: "mpcore::child", "child", process = self.process.as_str(), generation,
            )
        }))
    }

    /// Enters the span of a command that begins.
    pub(crate) fn enter<P: Child>(&self, head: &ItemHead) -> Entered {
        enter(trace::span(Level::INFO, || {
            tracing::info_span!(
                target: "mpcore::child", "command",
                process = self.process.as_str(), call = head.call,
                command = self.command::<P>(head.method),
            )
        }))
    }
}

/// How a command ended.
pub(crate) fn outcome(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Returned => "returned",
        ItemKind::Raised => "raised",
        ItemKind::Panicked => "panicked",
        ItemKind::Cancelled => "cancelled",
        ItemKind::Stopped => "stopped",
        ItemKind::TimedOut => "timed_out",
        ItemKind::Undecodable => "decode",
        ItemKind::Unencodable => "encode",
        _ => "other",
    }
}
