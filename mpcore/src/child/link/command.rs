//! The running command: whether it has to end, and when.
//!
//! The main thread begins and ends commands, the control thread applies cancels and deadlines, and
//! the command's own threads ask. The tables that decide are [`Cancels`] and [`Deadlines`]; here is
//! what follows from their decisions: reports to the controller, alarms, and the ends of waits. It
//! also answers pings, because the answer names the running command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::child::link::cancels::{Cancels, CommandRecord, Ended};
use crate::child::link::deadlines::Deadlines;
use crate::child::link::events_lane::EventsLane;
use crate::child::link::stop::StopRequests;
use crate::process::watch;
use crate::this_process::inherited;
use crate::wire::messages::report::Pong;
use crate::wire::packets::kinds::ItemKind;
use crate::wire::packets::packet::{CallFlags, ItemHead};

/// The running command's deadlines, and the alarm and the calls that depend on them.
#[derive(Debug, Default)]
struct Times {
    deadlines: Deadlines,
    /// When the deadlines are checked next.
    alarm: Option<Instant>,
    /// The deadline that the running command's own calls inherit.
    lent: Option<Instant>,
}

/// See the [module](self).
pub(crate) struct RunningCommand {
    cancels: Cancels<Times>,
    /// What the command's own calls inherit.
    inherited: Arc<inherited::InheritedCommand>,
    /// No deadline acts, because the child is debugged.
    timeless: AtomicBool,
    events: Arc<EventsLane>,
    stop: Arc<StopRequests>,
}

impl RunningCommand {
    pub(super) fn new(
        inherited: Arc<inherited::InheritedCommand>,
        events: Arc<EventsLane>,
        stop: Arc<StopRequests>,
    ) -> Self {
        let (cancels, timeless) = Default::default();
        Self { cancels, inherited, timeless, events, stop }
    }

    /// Called when the running command knows that it has to end.
    pub(crate) fn request_observed(&self) {
        self.inherited.request_observed(match self.stop.stopping() {
            true => inherited::Request::Stop,
            false => inherited::Request::Cancel,
        });
    }

    /// Called when no more commands run. From now on, waits for own children are not ended.
    pub(crate) fn leave_commands(&self) {
        self.inherited.close();
    }

    /// Handles the controller's cancels.
    pub(crate) fn cancel(&self, ids: &[u64]) {
        // Commands queued behind a long one get their outcomes now, not when their turn comes.
        let answered = self.cancels.cancel(ids);
        self.stop.tell_of_end();
        {
            // Held, so that the cancelled command cannot end and be replaced by another meanwhile.
            let _record = self.cancels.record();
            if self.cancels.is_cancelled() {
                self.stop.end_wait(inherited::Request::Cancel);
            }
        }
        for id in answered {
            self.events.queue_short(ItemHead::new(ItemKind::Cancelled, 0, id));
        }
    }

    /// Skips a command because the child ends. Returns `false` if it already has its outcome.
    pub(crate) fn skip(&self, call: u64) -> bool {
        self.cancels.skip(call)
    }

    /// Begins a command on the main thread. Returns `false` if it was cancelled and answered
    /// before.
    pub(crate) fn begin(self: &Arc<Self>, head: &ItemHead) -> bool {
        self.cancels.begin(head.call, head.flags, |record| {
            let allowed = if self.timeless.load(Ordering::Relaxed) { 0 } else { head.deadline };
            record.times.deadlines.begin(head.call, allowed, Instant::now());
            self.inherited.begin(|| self.stop.stopping());
            self.deadline_changed(record);
        })
    }

    /// Ends the running command, which has returned or unwound.
    pub(crate) fn end(&self) -> Ended {
        if self.inherited.end() {
            // It has observed the request, because that ended one of its waits. If that was its
            // deadline, the alarm's thread may be late.
            self.report_overrun(&mut self.cancels.record());
            self.cancels.meet(self.cancels.running());
        }
        self.cancels.end(|record| {
            record.times.deadlines.end();
            self.lend(record);
        })
    }

    /// Declares that this thread runs the commands: the calls that it makes inherit their deadlines
    /// and requests to end.
    pub(crate) fn bind_to_this_thread(&self) {
        self.inherited.bind_to_this_thread();
    }

    /// Disables the deadlines of all commands from now on.
    pub(crate) fn forgo_deadlines(&self) {
        self.timeless.store(true, Ordering::Relaxed);
    }

    /// Changes the deadlines of these calls, in milliseconds, as the controller requests.
    pub(crate) fn allow(self: &Arc<Self>, deadlines: &[(u64, u32)]) {
        if deadlines.is_empty() || self.timeless.load(Ordering::Relaxed) {
            return;
        }
        let mut record = self.cancels.record();
        let begun = record.begun();
        for (call, allowed) in deadlines {
            record.times.deadlines.allow(*call, *allowed, begun);
        }
        self.deadline_changed(&mut record);
    }

    /// Makes sure that the running command's deadline is checked when it passes. There is no thread
    /// and no wake-up per command: if the alarm finds another command running, it is set again, to
    /// that command's deadline.
    fn deadline_changed(self: &Arc<Self>, record: &mut CommandRecord<Times>) {
        self.lend(record);
        let Some(at) = record.times.deadlines.next() else { return };
        if record.times.alarm.is_some_and(|alarm| alarm <= at) {
            return;
        }
        record.times.alarm = Some(at);
        let command = Arc::downgrade(self);
        watch::alarm(at, move || {
            if let Some(command) = command.upgrade() {
                command.look_at_deadline(at);
            }
        });
    }

    /// Updates the deadline that the running command's own calls inherit: the one that ends it.
    fn lend(&self, record: &mut CommandRecord<Times>) {
        let ends = !record.flags().has(CallFlags::OUTLIVES_DEADLINE);
        let running = record.running().filter(|_| ends);
        let deadline = running.and_then(|call| record.times.deadlines.of(call));
        if record.times.lent != deadline {
            record.times.lent = deadline;
            self.inherited.set_deadline(deadline);
        }
    }

    /// Called by the alarm: reports an overrun, or sets the next alarm.
    fn look_at_deadline(self: &Arc<Self>, alarm: Instant) {
        let mut record = self.cancels.record();
        if record.times.alarm != Some(alarm) {
            return; // replaced by an earlier alarm
        }
        record.times.alarm = None;
        if !self.report_overrun(&mut record) {
            self.deadline_changed(&mut record);
        }
    }

    /// Ends the running command if its deadline has passed. Returns `false` if it has not.
    fn report_overrun(&self, record: &mut CommandRecord<Times>) -> bool {
        if self.stop.stopping() {
            return true; // the command ends anyway
        }
        let Some(overrun) = record.times.deadlines.due(Instant::now()) else { return false };
        self.cancels.overran(record, overrun.allowed);
        self.stop.tell_of_end();
        // Sent under the lock, so that the command's outcome follows this report.
        let mut head = ItemHead::new(ItemKind::Overrun, 0, overrun.call);
        head.deadline = overrun.allowed;
        self.events.queue_short(head);
        true
    }

    /// Answers a ping.
    pub(crate) fn pong(&self, ping: u32) {
        // Held while sending, so that no outcome overtakes the report that its command runs.
        let record = self.cancels.record();
        let executing = record.times.deadlines.in_execution(Instant::now());
        self.events.pong(&Pong { ping, executing });
    }

    /// Returns the deadline of a command while it runs.
    pub(crate) fn deadline(&self, call: u64) -> Option<Instant> {
        self.cancels.record().times.deadlines.of(call)
    }

    /// Returns the running command, or 0.
    pub(crate) fn running(&self) -> u64 {
        self.cancels.running()
    }

    /// Waits until the running command or the child is asked to end.
    pub(crate) fn wait_for_end(&self) {
        self.stop.wait_until(|| self.wants_end());
    }

    /// Returns whether the running command has to end.
    pub(crate) fn wants_end(&self) -> bool {
        self.cancels.is_cancelled() || self.stop.stopping()
    }

    /// Records that `call` has observed `Cancelled`. Has no effect once that command has ended.
    pub(crate) fn meet(&self, call: u64) {
        self.cancels.meet(call);
    }
}
