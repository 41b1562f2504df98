//! Injects the faults of a plan into the child.
//!
//! The runtime reaches the moments of a plan on the thread that runs at that time: the user's code
//! on the main thread, messages on every thread that sends, under the lock of the events lane.
//! Without a plan, the child only checks one `Option`.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::process::sys;
use crate::wire::messages::fault::{Fault, FaultPlan, Moment};
use crate::wire::packets::credit::charge;
use crate::wire::packets::kinds::{ItemKind, PacketKind};
use crate::wire::packets::packet::{HEAD, Head, ItemHead, write_part_head};

/// A plan, and the child's progress in it.
pub(crate) struct Faults {
    plan: FaultPlan,
    generation: u32,
    window: u32,
    commands: AtomicU64,
    messages: AtomicU64,
    /// Whether the lanes are no longer read.
    deaf: AtomicBool,
}

/// The effect of a fault on the events lane.
pub(crate) enum OnLane {
    Close,
    /// Sends these packets, regardless of credit.
    Send(Vec<Vec<u8>>),
}

impl Faults {
    pub(crate) fn new(plan: FaultPlan, generation: u32, window: u32) -> Self {
        let (commands, messages) = Default::default();
        Self { plan, generation, window, commands, messages, deaf: AtomicBool::new(false) }
    }

    /// Counts the command that begins.
    pub(crate) fn command(&self) -> Moment {
        Moment::Command(self.commands.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// Returns the number of the next message.
    pub(crate) fn message(&self) -> u64 {
        self.messages.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Injects the faults planned for this moment.
    pub(crate) fn come_to(&self, moment: Moment, mut on_lane: impl FnMut(OnLane)) {
        for fault in self.plan.due(self.generation, moment) {
            // A process that waits for the sign file may send something next.
            self.deaf.fetch_or(fault == Fault::StopReading, Ordering::SeqCst);
            self.announce(moment, fault);
            match fault {
                Fault::Exit(code) => std::process::exit(code),
                Fault::Abort => std::process::abort(),
                Fault::Segfault => sys::segfault(),
                Fault::Kill => sys::kill_self(),
                Fault::Panic => panic!("a planned fault"),
                Fault::Hang => hang(),
                Fault::Freeze => sys::freeze(),
                Fault::StopReading => {}
                Fault::CloseLane => on_lane(OnLane::Close),
                Fault::Garbage
                | Fault::HugeLength
                | Fault::Truncate
                | Fault::FalseCredit
                | Fault::Overdraw
                | Fault::UnaskedOutcome => {
                    on_lane(OnLane::Send(packets(fault, self.generation, self.window)));
                }
            }
        }
    }

    /// Blocks a thread that has read something from a lane, if the child is to read no more.
    pub(crate) fn pass_what_was_read(&self) {
        if self.deaf.load(Ordering::SeqCst) {
            hang();
        }
    }

    /// Announces a fault to outside observers. If that fails, the fault is injected nevertheless.
    fn announce(&self, moment: Moment, fault: Fault) {
        let _ = writeln!(std::io::stderr(), "mpcore::testing: {fault} {moment}");
        if let Some(file) = self.plan.sign_file() {
            let _ = std::fs::write(file, "");
        }
    }
}

/// Blocks this thread forever.
fn hang() -> ! {
    loop {
        thread::park();
    }
}

/// Returns packets that no child sends.
fn packets(fault: Fault, generation: u32, window: u32) -> Vec<Vec<u8>> {
    let start = |kind| Head::new(kind, generation).packet();
    let outcome = ItemHead::new(ItemKind::Returned, 0, u64::MAX);
    let mut packet = match fault {
        Fault::HugeLength => start(PacketKind::Part),
        Fault::FalseCredit => start(PacketKind::Credit),
        _ => start(PacketKind::Items),
    };
    match fault {
        Fault::Garbage => packet = b"no child sends this".to_vec(),
        Fault::HugeLength => {
            write_part_head(&mut packet, u64::MAX, 0);
            packet.push(0);
        }
        Fault::Truncate => {
            packet.extend_from_slice(&outcome.bytes(100));
            packet.extend_from_slice(&[0; 10]);
        }
        Fault::FalseCredit => {
            let mut head = Head::new(PacketKind::Credit, generation);
            head.consumed = u64::MAX;
            packet = head.packet();
        }
        Fault::Overdraw => {
            let many = 2 * u64::from(window) / charge(HEAD);
            return (0..many).map(|_| packet.clone()).collect();
        }
        _ => packet.extend_from_slice(&outcome.bytes(0)),
    }
    vec![packet]
}
