//! What a generated control wraps: one child over all its runs.
//!
//! [`Core`] is the owning handle, counted: with the last one the child is stopped. [`Shared`] is what
//! threads, signals and calls hold; it keeps nothing alive but itself.
//!
//! Locks, each held briefly and never two at a time: `life`, `traffic`, `control`, `name`. No lock is
//! held while user code runs.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak, mpsc};
use std::thread;

use super::builder::Spec;
use super::call::Call;
use super::control_lane::ControlLane;
use super::exit::{ExitReport, State};
use super::inbox::{ChildInbox, Fill, Notice, post};
use super::mirror::Mirror;
use super::outcome::{CallError, Exception, ExceptionKind, Outcome, OutcomeCodec};
use super::pending::{Continuation, Entry, SharedThen, Stage, Then};
use super::process::{Process, ProcessSignals, Progress};
use super::run::Run;
use super::traffic::{EncodeJob, Traffic};
use super::wiring::Sinks;
use crate::interface::Control;
use crate::limits::ENCODE_INLINE;
use crate::wire::codec::{Args, EncodeError, Encoder};
use crate::wire::interface::{Command, Delivery, InterfaceTable, PropertyDef};
use crate::wire::outgoing::Payload;

/// Where the child is in its life.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) state: State,
    /// Counts the runs.
    pub(crate) generation: u32,
    /// The current run, from `start` until its end.
    pub(crate) run: Option<Arc<Run>>,
    pub(crate) pid: Option<u32>,
    /// The last run's end.
    pub(crate) report: Option<Arc<ExitReport>>,
    /// Start again when the current run has ended.
    pub(crate) restart: bool,
    /// The last signals of a run are being posted; the next must not begin before.
    pub(crate) finishing: bool,
}

/// See the [module](self).
pub(crate) struct Shared {
    pub(crate) spec: Spec,
    pub(crate) table: Arc<InterfaceTable>,
    pub(crate) sinks: Sinks,
    pub(crate) signals: ProcessSignals,
    pub(crate) mirrors: Vec<Arc<Mirror>>,
    pub(crate) inbox: ChildInbox,
    name: Mutex<String>,
    life: Mutex<Life>,
    life_changed: Condvar,
    traffic: Mutex<Traffic>,
    control: Mutex<ControlLane>,
    /// Threads that wait for this child.
    waiters: AtomicUsize,
    encoder: OnceLock<Option<mpsc::Sender<EncodeJob>>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let life = self.life();
        f.debug_struct("Shared").field("name", &self.name()).field("state", &life.state).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(
        spec: Spec,
        name: String,
        table: Arc<InterfaceTable>,
        sinks: Sinks,
    ) -> Arc<Self> {
        let mirrors = table.properties.iter().map(|row| Arc::new(Mirror::new(row.initial.clone())));
        let life = Life {
            state: State::Created,
            generation: 0,
            run: None,
            pid: None,
            report: None,
            restart: false,
            finishing: false,
        };
        let traffic = Traffic::new(spec.queue);
        Arc::new(Self {
            mirrors: mirrors.collect(),
            spec,
            table,
            sinks,
            signals: ProcessSignals::default(),
            inbox: ChildInbox::default(),
            name: Mutex::new(name),
            life: Mutex::new(life),
            life_changed: Condvar::new(),
            traffic: Mutex::new(traffic),
            control: Mutex::default(),
            waiters: AtomicUsize::new(0),
            encoder: OnceLock::new(),
        })
    }

    pub(crate) fn name(&self) -> String {
        lock(&self.name).clone()
    }

    pub(crate) fn set_name(&self, name: String) {
        *lock(&self.name) = name;
    }

    pub(crate) fn life(&self) -> MutexGuard<'_, Life> {
        lock(&self.life)
    }

    pub(crate) fn life_changed(&self) -> &Condvar {
        &self.life_changed
    }

    pub(crate) fn traffic(&self) -> MutexGuard<'_, Traffic> {
        lock(&self.traffic)
    }

    pub(crate) fn control(&self) -> MutexGuard<'_, ControlLane> {
        lock(&self.control)
    }

    pub(crate) fn is_latest(&self, event: u16) -> bool {
        let row = self.table.events.get(usize::from(event));
        row.is_some_and(|row| row.delivery == Delivery::Latest)
    }

    pub(crate) fn command_name(&self, command: u16) -> Option<&'static str> {
        self.table.commands.get(usize::from(command)).map(|row| row.name)
    }

    // ---- calls

    fn submit(
        self: &Arc<Self>,
        command: u16,
        payload: Result<Payload, EncodeError>,
    ) -> (u64, oneshot::Receiver<Arc<Outcome>>, SharedThen) {
        let (reply, receiver) = oneshot::channel();
        let then = SharedThen::default();
        let entry = Entry { command, reply, then: Arc::clone(&then) };
        let (call, refused) = {
            let mut traffic = self.traffic();
            let call = traffic.next_call();
            let submitted = match payload {
                Ok(payload) => traffic.submit(call, entry, payload),
                Err(error) => Err((entry, Outcome::Encode(error.to_string()))),
            };
            match submitted {
                Ok(None) => (call, None),
                Ok(Some(job)) => {
                    drop(traffic);
                    self.encode(job);
                    (call, None)
                }
                Err(refused) => (call, Some(refused)),
            }
        };
        if let Some((entry, outcome)) = refused {
            self.resolve(call, entry, outcome);
        }
        (call, receiver, then)
    }

    /// Hands arguments to the encoder thread, which is started with the first large ones.
    pub(crate) fn encode(self: &Arc<Self>, job: EncodeJob) {
        let encoder = self.encoder.get_or_init(|| {
            let (sender, jobs) = mpsc::channel::<EncodeJob>();
            let shared = Arc::downgrade(self);
            let body = move || {
                for job in jobs {
                    let Some(shared) = shared.upgrade() else {
                        return;
                    };
                    shared.encode_here(job);
                }
            };
            let thread = thread::Builder::new().name("mp-encode".into()).spawn(body);
            thread.is_ok().then_some(sender)
        });
        match encoder {
            Some(encoder) => {
                if let Err(mpsc::SendError(job)) = encoder.send(job) {
                    self.encode_here(job);
                }
            }
            None => self.encode_here(job),
        }
    }

    fn encode_here(self: &Arc<Self>, job: EncodeJob) {
        let mut encoder = Encoder::new(crate::limits::VALUE_BYTES);
        let encoded = job.parts.into_iter().try_for_each(|part| part(&mut encoder));
        let (next, failed) = {
            let mut traffic = self.traffic();
            match encoded {
                Ok(()) => (traffic.encoded(job.call, Some(encoder.into_bytes())), None),
                Err(error) => {
                    let failed = traffic.pending.remove(job.call).map(|entry| (entry, error));
                    (traffic.encoded(job.call, None), failed)
                }
            }
        };
        if let Some((entry, error)) = failed {
            self.resolve(job.call, entry, Outcome::Encode(error.to_string()));
        }
        if let Some(job) = next {
            self.encode(job);
        }
    }

    /// Ends a command: wakes who waits, and posts what handlers shall hear. Whoever has taken the
    /// entry out of the table calls this, once.
    pub(crate) fn resolve(self: &Arc<Self>, call: u64, entry: Entry, outcome: Outcome) {
        let Entry { command, reply, then } = entry;
        let outcome = Arc::new(outcome);
        let told = match &*outcome {
            Outcome::Returned(_) => {
                let sink = self.sinks.results.get(usize::from(command));
                sink.and_then(Option::as_ref).is_some_and(|sink| (sink.is_connected)())
            }
            Outcome::Exited(_) | Outcome::Cancelled | Outcome::Stopped => false,
            _ => true,
        };
        let post_it = {
            let mut then = lock(&then);
            let post_it = told || !then.is_empty();
            then.stage = if post_it { Stage::Posted } else { Stage::Silent };
            post_it
        };
        let notice =
            post_it.then(|| Notice::Outcome { command, call, outcome: Arc::clone(&outcome), then });
        // Nobody may wait any more.
        let _ = reply.send(outcome);
        if let Some(notice) = notice {
            post(self, notice);
        }
    }

    /// Adds to what happens with a call's outcome; if that was delivered already, it happens next.
    pub(crate) fn then(
        self: &Arc<Self>,
        call: u64,
        command: u16,
        receiver: &oneshot::Receiver<Arc<Outcome>>,
        then: &SharedThen,
        add: impl FnOnce(&mut Then),
    ) {
        let late = {
            let mut now = lock(then);
            add(&mut now);
            match now.stage {
                Stage::Pending | Stage::Posted => return,
                Stage::Silent => {
                    now.stage = Stage::Posted;
                    None
                }
                Stage::Delivered => Some((now.on_done.take(), now.forward.take())),
            }
        };
        // It is, or is about to be, in the channel.
        let Ok(outcome) = receiver.recv_ref() else {
            return;
        };
        post(
            self,
            match late {
                None => Notice::Outcome { command, call, outcome, then: Arc::clone(then) },
                Some((on_done, forward)) => Notice::Task(Box::new(move || {
                    run_continuation(on_done, &outcome);
                    run_continuation(forward, &outcome);
                })),
            },
        );
    }

    pub(crate) fn cancel(self: &Arc<Self>, call: u64) {
        let (waiting, pending) = {
            let mut traffic = self.traffic();
            (traffic.cancel_waiting(call), traffic.pending.contains(call))
        };
        if let Some(entry) = waiting {
            self.resolve(call, entry, Outcome::Cancelled);
        } else if pending {
            self.control().cancel(call);
        }
    }

    // ---- waiting

    /// While the guard lives, a full inbox does not keep the child from answering.
    pub(crate) fn begin_wait(self: &Arc<Self>) -> Waiting {
        self.waiters.fetch_add(1, Ordering::SeqCst);
        if self.may_grant() {
            self.control().grant();
        }
        Waiting(Arc::clone(self))
    }

    /// Whether the child may have credit for more events.
    pub(crate) fn may_grant(&self) -> bool {
        match self.inbox.fill(self.spec.inbox_bound) {
            Fill::Room => true,
            Fill::Over => {
                self.waiters.load(Ordering::SeqCst) > 0 || self.life().state == State::Stopping
            }
            Fill::HardOver => false,
        }
    }

    /// A signal was taken from the inbox.
    pub(crate) fn return_withheld_credit(&self) {
        let mut control = self.control();
        if control.is_withheld() && self.inbox.fill(self.spec.inbox_bound) == Fill::Room {
            control.grant();
        }
    }

    /// The child gets no credit. Over the hard limit that holds for those who wait, too, so they are
    /// told to give up.
    pub(crate) fn note_overflow(&self) {
        let hard = self.inbox.fill(self.spec.inbox_bound) == Fill::HardOver;
        if !hard || self.waiters.load(Ordering::SeqCst) == 0 {
            return;
        }
        self.traffic().pending.give_up_waiting();
    }

    // ---- delivery, in the inbox's thread

    pub(crate) fn deliver(self: &Arc<Self>, notice: Notice) {
        match notice {
            Notice::Outcome { command, call, outcome, then } => {
                self.deliver_outcome(command, call, &outcome, &then);
            }
            Notice::Property(index) => {
                let sink = self.sinks.properties.get(usize::from(index)).and_then(Option::as_ref);
                let mirror = self.mirrors.get(usize::from(index));
                if let (Some(sink), Some(mirror)) = (sink, mirror) {
                    let (bytes, version) = mirror.read(|bytes, version| (bytes.to_vec(), version));
                    self.undecodable("property", sink(&bytes, version));
                }
            }
            Notice::Event(index, bytes) => {
                if let Some(Some(sink)) = self.sinks.events.get(usize::from(index)) {
                    self.undecodable("event", sink(bytes.as_slice()));
                }
            }
            Notice::Signal(command, bytes) => {
                if let Some(Some(sink)) = self.sinks.results.get(usize::from(command)) {
                    self.undecodable("signal", (sink.deliver)(bytes.as_slice()));
                }
            }
            Notice::Progress { call, fraction } => {
                self.signals.progress.fire(&(Progress { call, fraction },));
            }
            Notice::Started(pid) => self.signals.started.fire(&(pid,)),
            Notice::Ready => self.signals.ready.fire(&()),
            Notice::State(state) => self.signals.state_changed.fire(&(state,)),
            Notice::Exception(exception) => self.sinks.exception_raised.fire(&(*exception,)),
            Notice::Failed(failure) => self.signals.failed.fire(&(*failure,)),
            Notice::Finished(report) => self.signals.finished.fire(&((*report).clone(),)),
            Notice::Task(task) => run_user_code(task),
        }
    }

    fn deliver_outcome(
        self: &Arc<Self>,
        command: u16,
        call: u64,
        outcome: &Arc<Outcome>,
        then: &SharedThen,
    ) {
        let (on_done, forward) = {
            let mut then = lock(then);
            then.stage = Stage::Delivered;
            (then.on_done.take(), then.forward.take())
        };
        run_continuation(on_done, outcome);
        if forward.is_some() {
            run_continuation(forward, outcome);
        } else if let Outcome::Returned(bytes) = &**outcome
            && let Some(Some(sink)) = self.sinks.results.get(usize::from(command))
            && (sink.is_connected)()
            && let Err(error) = (sink.deliver)(bytes.as_slice())
        {
            let message = error.to_string();
            self.raise(command, call, ExceptionKind::Undelivered, message, String::new());
        }
        let (kind, message, backtrace) = match &**outcome {
            Outcome::Raised(bytes) => {
                let row = self.table.commands.get(usize::from(command));
                let message = row.map(|row| (row.message)(bytes.as_slice()));
                let message = match message {
                    Some(Ok(message)) => message,
                    Some(Err(error)) => error.to_string(),
                    None => String::new(),
                };
                (ExceptionKind::Raised, message, String::new())
            }
            Outcome::Panicked(report) => {
                (ExceptionKind::Panicked, report.to_string(), report.backtrace.clone())
            }
            Outcome::QueueFull | Outcome::Encode(_) | Outcome::Decode(_) => {
                let error = OutcomeCodec::<(), crate::Never>::untyped(outcome);
                (ExceptionKind::Undelivered, error, String::new())
            }
            Outcome::Returned(_)
            | Outcome::Exited(_)
            | Outcome::Stopped
            | Outcome::Cancelled
            | Outcome::GiveUp => return,
        };
        self.raise(command, call, kind, message, backtrace);
    }

    fn raise(
        &self,
        command: u16,
        call: u64,
        kind: ExceptionKind,
        message: String,
        backtrace: String,
    ) {
        let exception = Exception {
            process: self.name(),
            pid: self.life().pid,
            command: self.command_name(command),
            call: Some(call),
            kind,
            message,
            backtrace,
        };
        self.sinks.exception_raised.fire(&(exception,));
    }

    /// The shapes were compared at the handshake, so this child lies.
    fn undecodable(self: &Arc<Self>, what: &str, result: Result<(), crate::DecodeError>) {
        if let Err(error) = result {
            let run = self.life().run.clone();
            if let Some(run) = run {
                run.declare_broken(&format!("{what}: {error}"));
            }
        }
    }
}

fn run_continuation(continuation: Option<Continuation>, outcome: &Outcome) {
    if let Some(continuation) = continuation {
        run_user_code(|| continuation(outcome));
    }
}

/// A panic of a handler is told by the panic hook; the inbox goes on.
fn run_user_code(code: impl FnOnce()) {
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(code));
}

/// See [`Shared::begin_wait`].
pub(crate) struct Waiting(Arc<Shared>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiters.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The owners of one child: with the last one it is stopped.
pub(crate) struct Owner {
    process: Process,
    signals: Box<dyn Any + Send + Sync>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.process.release();
    }
}

/// What a generated control wraps: a counted handle of one child.
#[derive(Clone)]
pub struct Core {
    owner: Arc<Owner>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.owner.process.fmt(f)
    }
}

impl Core {
    pub(crate) fn new<S: Send + Sync + 'static>(shared: Arc<Shared>, signals: S) -> Self {
        let owner = Owner { process: Process::new(shared), signals: Box::new(signals) };
        Self { owner: Arc::new(owner) }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.owner.process.shared()
    }

    /// The child's life cycle.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.owner.process
    }

    /// Submits a command; never blocks.
    pub fn call<A: Args, T, E>(&self, command: &'static Command<A, T, E>, args: A) -> Call<T, E> {
        let mut encoder = Encoder::new(ENCODE_INLINE);
        let payload = match args.encode(&command.args, &mut encoder) {
            Ok(()) => Ok(Payload::Ready(encoder.into_bytes())),
            // Large: it moves, as it is, to the encoder thread.
            Err(EncodeError::TooLarge { .. }) => Ok(Payload::Deferred(args.defer(&command.args))),
            Err(error) => Err(error),
        };
        let (call, receiver, then) = self.shared().submit(command.index, payload);
        let codec = OutcomeCodec { result: command.result, error: command.error };
        Call::new(call, command.index, receiver, then, codec, Arc::clone(self.shared()))
    }

    /// Submits a command and waits for its outcome.
    ///
    /// # Errors
    /// How the command ended, if not with a result.
    pub fn call_blocking<A: Args, T, E>(
        &self,
        command: &'static Command<A, T, E>,
        args: A,
    ) -> Result<T, CallError<E>> {
        self.call(command, args).wait()
    }

    /// The mirror of a property: the last value known, without a round trip.
    #[must_use]
    pub fn property<T>(&self, property: &'static PropertyDef<T>) -> T {
        let mirror = self.shared().mirrors.get(usize::from(property.index));
        let value = mirror.map(|mirror| mirror.read(|bytes, _| property.codec.decode(bytes)));
        match value {
            Some(Ok(value)) => value,
            _ => (property.default)(),
        }
    }
}

/// A handle that does not keep the child alive: what a handler captures.
pub struct WeakControl<C: Control> {
    owner: Weak<Owner>,
    _control: std::marker::PhantomData<fn() -> C>,
}

impl<C: Control> Clone for WeakControl<C> {
    fn clone(&self) -> Self {
        Self { owner: Weak::clone(&self.owner), _control: std::marker::PhantomData }
    }
}

impl<C: Control> fmt::Debug for WeakControl<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakControl")
    }
}

impl<C: Control> WeakControl<C> {
    /// A weak handle of the same child.
    #[must_use]
    pub fn new(control: &C) -> Self {
        let owner = Arc::downgrade(&control.__core().owner);
        Self { owner, _control: std::marker::PhantomData }
    }

    /// The control, if another handle still owns it.
    #[must_use]
    pub fn upgrade(&self) -> Option<C> {
        let owner = self.owner.upgrade()?;
        let signals = owner.signals.downcast_ref::<C::Signals>()?.clone();
        Some(C::__new(Core { owner }, signals))
    }
}
