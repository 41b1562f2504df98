//! One run of a child: welcome, constructor, `postrun_init`, commands, `cleanup`, goodbye.
//!
//! All user code runs here, on one thread, and is guarded: whatever it does, each command that was
//! taken from the lane gets exactly one outcome, and `cleanup` runs once. A copy of the child that
//! a command has forked is killed when the command returns: cleanup and goodbye are the original's.
//! [`Requests`] takes the commands from the lane, checks their order, and answers those that do not
//! run.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::child::context::ChildContext;
use crate::child::control::{self, Grace};
use crate::child::interface::{Child, Interface};
use crate::child::link::Link;
use crate::child::link::cancels::Cause;
use crate::child::link::events_lane::CutOff;
use crate::child::panic::{Unwound, guard, install_hook};
use crate::child::request::{Reply, Request};
use crate::child::startup::assignment::{Assignment, Place};
use crate::child::startup::{confine, exit_code, stdio};
use crate::child::traced::{self, Names};
use crate::debugging;
use crate::limits::REPORT_BYTES;
use crate::process::sys;
use crate::this_process::{inherited, nested};
use crate::trace::event;
use crate::transport::{BoxedReceiver, ChildLanes};
use crate::wire::messages::fault::Moment;
use crate::wire::messages::handshake::Welcome;
use crate::wire::messages::report::{Bye, InitFailure, PanicReport};
use crate::wire::messages::stop_reason::StopReason;
use crate::wire::packets::credit::charge;
use crate::wire::packets::kinds::{ItemKind, Lane, PacketKind, Phase};
use crate::wire::packets::packet::{Assembler, Bytes, CallFlags, Head, ItemHead, PacketError};
use crate::wire::value::codec::{decode, encode};

/// Serves until the child ends, and returns the exit code.
pub(crate) fn serve<P: Child>(lanes: ChildLanes, run: Assignment) -> i32 {
    install_hook();
    // A copy that a command forks must not use the lanes.
    sys::this_is_the_original();
    let ChildLanes { requests, requests_end, control, events } = lanes;
    let link = Link::new(run.generation, run.window, events, requests_end, run.faults);
    let grace = Grace::default();
    if run.place != Place::Thread {
        let (for_signal, for_loss, grace) = (link.clone(), link.clone(), Arc::clone(&grace));
        let watched = sys::watch_surroundings(
            run.controller,
            move || for_signal.stop.request(StopReason::Signal),
            move || control::follow_controller(&for_loss, &grace),
        );
        if let Err(error) = watched {
            return without_threads(&error);
        }
    }
    link.command.bind_to_this_thread();
    let control = match control::start(control, &link, Arc::clone(&grace), run.place) {
        Ok(control) => control,
        Err(error) => return without_threads(&error),
    };
    if run.place != Place::Thread && debugging::is_for_this_child() {
        link.command.forgo_deadlines();
        debugging::wait_for_debugger(|| link.stop.stopping());
    }
    let mut requests = Requests::new(requests, link.clone());

    let code = or_end(&link, || match requests.welcome(run.nonce) {
        Some(welcome) => {
            grace.store(welcome.grace, Ordering::SeqCst);
            match run.place {
                Place::Process { .. } => inherited::at_exit_of_this_process(welcome.at_exit),
                Place::Thread => inherited::at_exit_of_this_thread(welcome.at_exit),
            }
            if run.place != Place::Thread && welcome.grace != u32::MAX {
                nested::has_grace(Duration::from_millis(welcome.grace.into()));
            }
            control.wait();
            live::<P>(&link, &mut requests, welcome, run.initial, run.place)
        }
        // The child was stopped before it began.
        None if link.stop.stopping() => {
            say_goodbye(&link, false, None);
            exit_code::OK
        }
        None => exit_code::INIT_FAILED,
    });
    let code = match link.events.is_cut_off() {
        Some(CutOff::RuntimePanicked) => exit_code::PANICKED,
        Some(CutOff::LaneClosed) => exit_code::CONTROLLER_LOST,
        None => code.unwrap_or(exit_code::PANICKED),
    };
    if let Place::Process { controller } = run.place {
        sys::end_descendants(controller);
    }
    code
}

/// Without the thread a stop would go unnoticed, so the child does not begin.
#[allow(clippy::print_stderr)]
fn without_threads(error: &std::io::Error) -> i32 {
    eprintln!("mpcore: this child could not start a thread that it needs: {error}");
    exit_code::NO_THREADS
}

/// Runs code of the runtime: if it panics, the child ends, but the user's remaining code still
/// runs.
fn or_end<R>(link: &Link, code: impl FnOnce() -> R) -> Option<R> {
    let result = guard(code);
    if result.is_err() {
        link.events.runtime_panicked();
    }
    result.ok()
}

/// Runs the child from its welcome to its goodbye, and returns the exit code.
fn live<P: Child>(
    link: &Link,
    requests: &mut Requests,
    welcome: Welcome,
    initial: Vec<Vec<u8>>,
    place: Place,
) -> i32 {
    let names = Names::new(welcome.name.clone());
    let _run = names.enter_run(link.generation());
    event!(INFO, "mpcore::child", in None, "serving", interface = P::Interface::NAME);
    let context = ChildContext::new(link.clone(), welcome.name, initial);
    let typed = P::Interface::__context(&context);
    let constructed = match confine::refused() {
        Some(refused) => Err(refused),
        None => construct::<P>(link, &typed, &welcome.config),
    };
    let (mut child, mut code) = match constructed {
        Ok(child) => (Some(child), exit_code::OK),
        Err(failure) => (None, report_failure(link, &failure)),
    };
    let mut initialized = false;
    // If `postrun_init` fails, `cleanup` still runs: the constructor may have acquired resources.
    if let Some(child) = &mut child {
        match initialize::<P>(link, child) {
            Ok(()) => initialized = true,
            Err(failure) => {
                code =
                    or_end(link, || report_failure(link, &failure)).unwrap_or(exit_code::PANICKED);
            }
        }
    }
    if initialized && let Some(child) = &mut child {
        or_end(link, || {
            let _ = link.events.send(ItemHead::new(ItemKind::Ready, 0, 0), None, Vec::new());
            event!(INFO, "mpcore::child", in None, "child ready");
            run_commands::<P>(link, requests, child, &typed, &names);
        });
    }
    if sys::is_copy() {
        // A command has forked, and the copy returned from it. The cleanup and the goodbye are up
        // to the original.
        sys::kill_self();
    }
    link.command.leave_commands();
    event!(
        INFO, "mpcore::child", in None, "stopping",
        reason = link.stop.reason().as_ref().map(StopReason::name),
        cut_off = link.events.is_cut_off().is_some(),
    );
    let cleaned_up = child.is_some();
    if place != Place::Thread {
        let lost = link.stop.reason() == Some(StopReason::ControllerLost);
        stdio::before_cleanup(lost || link.events.is_cut_off().is_some());
    }
    let cleanup_panic = child.and_then(|mut child| {
        let panic = panic_of(guard(|| {
            link.events.come_to(Moment::Cleanup);
            child.__interface().__cleanup();
        }));
        // Dropping the user's fields is user code too.
        let dropped = panic_of(guard(move || drop(child)));
        panic.or(dropped)
    });
    if place != Place::Thread {
        nested::stop_children(nested::grace().and_then(|grace| link.stop.killed_at(grace)));
    }
    event!(
        DEBUG, "mpcore::child", in None, "cleaned up",
        cleaned_up = cleaned_up, panicked = cleanup_panic.is_some(), code = code,
    );
    say_goodbye(link, cleaned_up, cleanup_panic);
    code
}

/// Sends the last item, and waits until everything has been sent.
pub(crate) fn say_goodbye(link: &Link, cleaned_up: bool, cleanup_panic: Option<PanicReport>) {
    let reason = link.stop.reason().unwrap_or(StopReason::InitFailed);
    let bye = Bye { reason, cleaned_up, cleanup_panic };
    let payload = encode(&bye);
    let _ = link.events.send(ItemHead::new(ItemKind::Bye, 0, 0), None, payload);
    link.events.flush();
}

fn panic_of(result: Result<(), Unwound>) -> Option<PanicReport> {
    match result {
        Err(Unwound::Panicked(report)) => Some(report),
        _ => None,
    }
}

/// Decodes the config and runs the constructor.
fn construct<P: Child>(
    link: &Link,
    context: &<P::Interface as Interface>::Context,
    config: &[u8],
) -> Result<P, InitFailure> {
    let config = match guard(|| P::Interface::__config().decode(config)) {
        Ok(Ok(config)) => config,
        Ok(Err(error)) => return Err(InitFailure::Config(error.to_string())),
        Err(Unwound::Panicked(report)) => {
            return Err(InitFailure::Config(format!("its `Deserialize` panicked: {report}")));
        }
        Err(Unwound::Cancelled) => return Err(InitFailure::Constructor(crate::Cancelled.into())),
    };
    let constructed = guard(|| {
        link.events.come_to(Moment::Constructor);
        P::__construct(context.clone(), config)
    });
    match constructed {
        Ok(Ok(child)) => Ok(child),
        Ok(Err(error)) => Err(InitFailure::Constructor(error)),
        Err(Unwound::Panicked(report)) => Err(InitFailure::ConstructorPanicked(report)),
        Err(Unwound::Cancelled) => Err(InitFailure::Constructor(crate::Cancelled.into())),
    }
}

/// Runs `postrun_init`.
fn initialize<P: Child>(link: &Link, child: &mut P) -> Result<(), InitFailure> {
    let initialized = guard(|| {
        link.events.come_to(Moment::PostrunInit);
        child.__interface().__init()
    });
    match initialized {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(InitFailure::PostrunInit(error)),
        Err(Unwound::Panicked(report)) => Err(InitFailure::PostrunInitPanicked(report)),
        Err(Unwound::Cancelled) => Err(InitFailure::PostrunInit(crate::Cancelled.into())),
    }
}

/// Reports a start that failed, except for an error of a child that was asked to stop. Returns the
/// exit code.
fn report_failure(link: &Link, failure: &InitFailure) -> i32 {
    event!(WARN, "mpcore::child", in None, "start failed", step = failure.step());
    let code = match failure {
        InitFailure::ConstructorPanicked(_) | InitFailure::PostrunInitPanicked(_) => {
            exit_code::PANICKED
        }
        // It was asked to stop, and did.
        InitFailure::Constructor(_) | InitFailure::PostrunInit(_) if link.stop.stopping() => {
            return exit_code::OK;
        }
        _ => exit_code::INIT_FAILED,
    };
    let mut payload = encode(failure);
    if payload.len() > REPORT_BYTES {
        let short = crate::Error::new("its error is too long to be sent; shorten it");
        let failure = match failure {
            InitFailure::PostrunInit(_) => InitFailure::PostrunInit(short),
            _ => InitFailure::Constructor(short),
        };
        payload = encode(&failure);
    }
    let _ = link.events.send(ItemHead::new(ItemKind::InitFailed, 0, 0), None, payload);
    code
}

/// Runs commands until the child has to end.
fn run_commands<P: Child>(
    link: &Link,
    requests: &mut Requests,
    child: &mut P,
    context: &<P::Interface as Interface>::Context,
    names: &Names,
) {
    while let Some((head, args)) = requests.next() {
        run_command::<P>(link, child, context, head, &args, names);
    }
    requests.leave_the_rest();
}

/// Runs one command and sends its outcome.
fn run_command<P: Child>(
    link: &Link,
    child: &mut P,
    context: &<P::Interface as Interface>::Context,
    head: ItemHead,
    args: &Bytes,
    names: &Names,
) {
    if !link.command.begin(&head) {
        return;
    }
    // From here on the command has an outcome, however this function is left.
    let mut owed = Owed { link, head, reply: None };
    let request = Request { command: head.method, args: args.as_slice() };
    let entered = names.enter::<P>(&head);
    let result = guard(|| {
        link.events.come_to_command();
        child.__interface().__dispatch(context, request)
    });
    let end = link.command.end();
    // `None` if nothing requested an end: the controller would not accept one.
    let ended = match end.cause {
        Some(Cause::TimedOut(allowed)) => {
            Some(Reply { allowed, ..Reply::bare(ItemKind::TimedOut) })
        }
        _ if link.stop.stopping() => Some(Reply::bare(ItemKind::Stopped)),
        Some(Cause::Cancelled) => Some(Reply::bare(ItemKind::Cancelled)),
        None => None,
    };
    let mut panicked_at = None;
    owed.reply = Some(match result {
        // An error after the command has observed its cancel is how it obeys, whatever the error.
        Ok(reply) if reply.kind == ItemKind::Raised && end.met => ended.unwrap_or(reply),
        Ok(reply) => reply,
        Err(Unwound::Cancelled) => ended.unwrap_or_else(|| {
            panicked("the command unwound with `Cancelled`, but was not cancelled".to_owned())
        }),
        Err(Unwound::Panicked(report)) => {
            panicked_at = Some(report.location.clone());
            Reply { payload: encode(&report), ..Reply::bare(ItemKind::Panicked) }
        }
    });
    let kind = owed.reply.as_ref().map_or(ItemKind::Panicked, |reply| reply.kind);
    // The outcome does not wait for a subscriber.
    drop(owed);
    if let Some(location) = panicked_at {
        event!(
            WARN, "mpcore::child", in None, "command panicked",
            call = head.call, command = names.command::<P>(head.method), location = location,
        );
    }
    event!(
        DEBUG, "mpcore::child", in None, "command ended",
        call = head.call, command = names.command::<P>(head.method), outcome = traced::outcome(kind),
    );
    drop(entered);
}

/// Returns a reply for a panic without a location.
fn panicked(message: String) -> Reply {
    let report = PanicReport { message, location: String::new(), backtrace: String::new() };
    let payload = encode(&report);
    Reply { payload, ..Reply::bare(ItemKind::Panicked) }
}

/// A command that has begun owes an outcome. It is sent when this is dropped, once, for whatever
/// reason.
struct Owed<'a> {
    link: &'a Link,
    head: ItemHead,
    reply: Option<Reply>,
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        let reply = self.reply.take().unwrap_or_else(|| {
            self.link.command.end();
            panicked("the child's runtime panicked after the command".to_owned())
        });
        let mut outcome = ItemHead::new(reply.kind, self.head.method, self.head.call);
        outcome.deadline = reply.allowed;
        let _ = self.link.events.send(outcome, None, reply.payload);
    }
}

/// The requests lane, item by item.
pub(crate) struct Requests {
    lane: BoxedReceiver,
    link: Link,
    assembler: Assembler,
    taken: VecDeque<(ItemHead, Bytes)>,
    /// The welcome has arrived, which is the first item.
    welcomed: bool,
    packet: Vec<u8>,
}

impl Requests {
    pub(crate) fn new(lane: BoxedReceiver, link: Link) -> Self {
        let (assembler, taken, packet) = Default::default();
        Self { lane, link, assembler, taken, welcomed: false, packet }
    }

    /// Returns the first item, if it comes from the expected controller.
    pub(crate) fn welcome(
        &mut self,
        nonce: crate::wire::messages::handshake::Nonce,
    ) -> Option<Welcome> {
        let (head, payload) = self.next()?;
        if head.kind != ItemKind::Welcome {
            return None;
        }
        let welcome: Welcome = decode(payload.as_slice()).ok()?;
        (welcome.nonce == nonce).then_some(welcome)
    }

    /// Returns the next item; `None` when the child has to end.
    pub(crate) fn next(&mut self) -> Option<(ItemHead, Bytes)> {
        loop {
            if self.link.stop.stopping() {
                return None;
            }
            if let Some(item) = self.taken.pop_front() {
                return Some(item);
            }
            if self.receive().is_none() {
                // A stop ends the lane as well.
                if !self.link.stop.stopping() {
                    self.link.events.controller_lost();
                }
                return None;
            }
        }
    }

    /// Answers the items that were taken from the lane but do not run.
    pub(crate) fn leave_the_rest(&mut self) {
        let link = &self.link;
        for (head, _) in self.taken.drain(..).filter(|(head, _)| link.command.skip(head.call)) {
            let mut outcome = ItemHead::new(ItemKind::Stopped, head.method, head.call);
            outcome.flags = CallFlags::NOT_BEGUN;
            let _ = link.events.send(outcome, None, Vec::new());
        }
    }

    /// Reads one packet. Returns `None` if the lane is closed, or if the controller breaks the
    /// protocol.
    fn receive(&mut self) -> Option<()> {
        self.lane.receive(&mut self.packet).ok()?;
        self.link.events.come_to_reading();
        let (head, body) = Head::parse(&self.packet, self.link.generation(), Lane::Requests)
            .inspect_err(refused)
            .ok()?;
        if head.kind == PacketKind::End {
            return Some(()); // sent by this child itself, outside the credit
        }
        let Self { taken, welcomed, .. } = self;
        let take = |head: ItemHead, payload: crate::wire::packets::packet::ReceivedPayload<'_>| {
            match (head.kind.lane(), head.kind.phase()) {
                (Lane::Requests, Phase::Handshake) if !*welcomed => *welcomed = true,
                (Lane::Requests, Phase::Running) if *welcomed => {}
                _ => return Err(PacketError::OutOfOrder(head.kind)),
            }
            taken.push_back((head, payload.into_bytes()));
            Ok::<(), PacketError>(())
        };
        self.assembler.take(head.kind, body, take).inspect_err(refused).ok()?;
        self.link.events.consumed_request(charge(self.packet.len()));
        let _ = self.link.events.credit(head.consumed);
        Some(())
    }
}

/// The controller has broken the protocol; the child ends.
fn refused(error: &PacketError) {
    event!(ERROR, "mpcore::child", in None, "protocol violated", why = error.to_string());
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::mpsc;

    use super::*;
    use crate::transport::memory;

    /// Returns the outcomes of the items that were sent.
    fn outcomes(events: &mpsc::Receiver<Vec<u8>>) -> Vec<(ItemKind, u64)> {
        let mut found = Vec::new();
        for packet in events.try_iter() {
            let (head, body) = Head::parse(&packet, 1, Lane::Events).unwrap();
            let take = |item: ItemHead, _: crate::wire::packets::packet::ReceivedPayload<'_>| {
                found.push((item.kind, item.call));
                Ok::<(), PacketError>(())
            };
            Assembler::default().take(head.kind, body, take).unwrap();
        }
        found
    }

    #[test]
    fn what_has_begun_has_one_outcome_however_it_is_left() {
        let (sender, events) = mpsc::channel();
        let (_lanes, child) = memory::pair(96 << 10);
        let link = Link::new(1, 96 << 10, Arc::new(sender), child.requests_end, None);
        let head = |call| ItemHead::new(ItemKind::Call, 0, call);
        assert!(link.command.begin(&head(1)));
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _owed = Owed { link: &link, head: head(1), reply: None };
            resume_unwind(Box::new("on purpose"));
        }));
        assert!(unwound.is_err());
        assert_eq!(outcomes(&events), [(ItemKind::Panicked, 1)]);
        assert_eq!(link.command.running(), 0, "it is over");
        assert!(link.command.begin(&head(2)));
        let mut owed = Owed { link: &link, head: head(2), reply: None };
        link.command.end();
        owed.reply = Some(Reply::bare(ItemKind::Returned));
        drop(owed);
        assert_eq!(outcomes(&events), [(ItemKind::Returned, 2)]);
    }

    /// The child of a controller that breaks the order ends, as if its controller were gone.
    #[test]
    fn requests_out_of_their_order_end_the_lane() {
        let accepted = |items: &[ItemKind]| {
            let (sender, _events) = mpsc::channel();
            let (lanes, child) = memory::pair(96 << 10);
            let link = Link::new(1, 96 << 10, Arc::new(sender), child.requests_end, None);
            let mut requests = Requests::new(child.requests, link.clone());
            for kind in items {
                let mut packet = Head::new(PacketKind::Items, 1).packet();
                packet.extend_from_slice(&ItemHead::new(*kind, 0, 1).bytes(0));
                lanes.requests.send(&packet).unwrap();
            }
            let accepted = items.iter().take_while(|_| requests.next().is_some()).count();
            assert_eq!(link.stop.stopping(), accepted < items.len(), "{items:?}");
            accepted
        };
        use ItemKind::{Call, Event, Ready, Welcome};
        assert_eq!(accepted(&[Welcome, Call, Call]), 3);
        assert_eq!(accepted(&[Call]), 0);
        assert_eq!(accepted(&[Welcome, Welcome]), 1);
        assert_eq!(accepted(&[Event]), 0);
        assert_eq!(accepted(&[Welcome, Call, Ready, Call]), 2);
    }
}
