//! The watcher: one thread that is notified of every process's end, climbs every stop ladder,
//! enforces every start deadline and rings every alarm.
//!
//! Only the watcher decides that a process is gone. It waits without reaping, kills the group while
//! the pid still belongs to it, and then reaps. It never does anything that could block. A process
//! that cannot be reaped yet, because a tracer holds it, is nevertheless reported as ended, and
//! reaped later. A process that cannot even be killed is given up, and reaped when it ends. The
//! receiver of an end ([`Watched`]) only passes it on. A child that is not a process of this system
//! ([`Elsewhere`]) has its ladder and its deadline here, and its end is reported by its launcher.
//!
//! A run is watched before its process exists ([`Subject::ToCome`]), so that the start deadline and
//! a kill apply to the spawn as well; [`arrived`] hands the process over.
//!
//! The watcher is created when it is first needed. Orders that arrive while there is no thread or
//! descriptor for it wait until it can be created: every later order tries again, and so do every
//! start and, in a child, which may have only this one order, its [other
//! threads](retry_creating_watcher).

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{io, thread};

use super::spawn::Spawning;
use super::start_deadline::StartDeadline;
use super::stop::{Pauses, Rung, StopLadder};
use super::sys::{Exits, Process, Wait, Waker};
use super::{ProcessEnd, Unkillable};
use crate::limits::{KILL_GRACE, REAP_AGAIN, REAP_AGAIN_MAX, TERMINATE_GRACE};
use crate::sync::lock;
use crate::sync::made_once::MadeOnce;
use crate::trace;

const PAUSES: Pauses = Pauses { after_terminate: TERMINATE_GRACE, after_kill: KILL_GRACE };

/// A spawned process is handed over within a few microseconds.
const KILL_ON_ARRIVAL: Duration = Duration::from_millis(1);

/// The owner of a watched process.
pub(crate) trait Watched: Send + Sync {
    /// The process has ended. Must not block.
    fn ended(self: Arc<Self>, end: ProcessEnd);
    /// The ladder has reached this rung. Must not block.
    fn climbed(self: Arc<Self>, rung: Rung);
    /// The child was not ready in time; it is killed next.
    fn start_deadline_passed(self: Arc<Self>);
    /// The process was killed a while ago and has not ended. It is not reported again. Must not
    /// block.
    fn given_up(self: Arc<Self>, why: Unkillable);
    /// The end of the process could not be observed, so it was killed. It is not reported again.
    /// Must not block.
    fn unwatchable(self: Arc<Self>, why: &io::Error);
}

/// Identifies one run of one child to the watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WatchKey(u64);

/// An order to the watcher.
enum Order {
    Watch(WatchKey, Watch),
    Arrived(WatchKey, Process),
    /// A process whose run was abandoned: kill it, and reap it.
    Bury(Process),
    Ready(WatchKey),
    Stop(WatchKey, Duration),
    Terminate(WatchKey),
    Kill(WatchKey),
    /// A child elsewhere has ended, or there will be no process after all.
    Forget(WatchKey),
    Alarm(Instant, Ring),
}

/// The action of an alarm. Must not block.
type Ring = Box<dyn FnOnce() + Send>;

/// A child whose end cannot be observed here. Its launcher reports the end to the [owner](Watched)
/// and [forgets](forget) the key; otherwise the link counts as lost after the last rung.
pub(crate) trait Elsewhere: Send {
    /// Asks the child to end. Must not block.
    fn terminate(&mut self);
    /// Ends the child, if that is possible. Must not block.
    fn kill(&mut self);
}

/// The watched child.
pub(crate) enum Subject {
    /// A child that is no process of this system, or none of its own.
    Elsewhere(Box<dyn Elsewhere>),
    /// A process that is being spawned.
    ToCome(Arc<Spawning>),
    Process(Process),
}

/// A run that is watched.
struct Watch {
    owner: Arc<dyn Watched>,
    subject: Subject,
    ladder: StopLadder,
    start_deadline: Option<StartDeadline>,
    /// SIGTERM was due; a process that arrives later gets it on arrival.
    terminated: bool,
    /// The system refused to send SIGKILL.
    refused: bool,
}

/// Pending orders, even if there is no watcher yet.
static ORDERS: Mutex<Vec<Order>> = Mutex::new(Vec::new());

/// Orders wait for a watcher that could not be created.
static LACKING: AtomicBool = AtomicBool::new(false);

struct Watcher {
    wake: Waker,
}

fn watcher() -> io::Result<&'static Watcher> {
    static WATCHER: MadeOnce<Watcher> = MadeOnce::new();
    WATCHER.get_or_make(|| {
        let (exits, wake) = Exits::new()?;
        let thread = thread::Builder::new().name("mp-watch".into());
        // Its first iteration finds the orders that have waited for it.
        thread.spawn(move || run(exits, &ORDERS))?;
        Ok(Watcher { wake })
    })
}

/// Queues an order, and wakes the watcher.
fn order(order: Order) {
    lock(&ORDERS).push(order);
    match watcher() {
        Ok(watcher) => (watcher.wake)(),
        Err(_) => LACKING.store(true, Ordering::Relaxed),
    }
}

/// Creates the watcher if something was ordered while it could not be created. Costs nothing
/// otherwise, and during a lasting shortage one attempt per [`REAP_AGAIN`], because a command may
/// call this in a loop.
pub(crate) fn retry_creating_watcher() {
    static TRIED: Mutex<Option<Instant>> = Mutex::new(None);
    if !LACKING.load(Ordering::Relaxed) {
        return;
    }
    let Ok(mut tried) = TRIED.try_lock() else { return };
    if tried.is_some_and(|tried| tried.elapsed() < REAP_AGAIN.get()) {
        return;
    }
    if watcher().is_ok() {
        LACKING.store(false, Ordering::Relaxed);
    }
    *tried = Some(Instant::now());
}

/// Ensures that there is a watcher before there is something to watch.
pub(crate) fn prepare() -> io::Result<()> {
    watcher().map(drop)
}

/// Returns a fresh key.
pub(crate) fn key() -> WatchKey {
    use std::sync::atomic::AtomicU64;
    static NEXT: AtomicU64 = AtomicU64::new(1);
    WatchKey(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Watches a run until its process has ended, or is [forgotten](forget). Without a deadline the
/// child may take any time to become ready.
pub(crate) fn watch(
    key: WatchKey,
    owner: Arc<dyn Watched>,
    subject: Subject,
    start_deadline: Option<Duration>,
) {
    let now = Instant::now();
    let start_deadline = start_deadline.and_then(|whole| StartDeadline::new(now, whole));
    let ladder = StopLadder::default();
    let (terminated, refused) = (false, false);
    let watch = Watch { owner, subject, ladder, start_deadline, terminated, refused };
    order(Order::Watch(key, watch));
}

/// Hands over the process that was being spawned.
pub(crate) fn arrived(key: WatchKey, process: Process) {
    order(Order::Arrived(key, process));
}

/// Kills a process that no run waits for any more, and ensures that it is reaped.
pub(crate) fn bury(process: Process) {
    order(Order::Bury(process));
}

/// The child is ready: its start deadline no longer applies.
pub(crate) fn ready(key: WatchKey) {
    order(Order::Ready(key));
}

/// A stop request was sent: climbs the ladder.
pub(crate) fn stop(key: WatchKey, grace: Duration) {
    order(Order::Stop(key, grace));
}

/// Sends SIGTERM now, and continues from there.
pub(crate) fn terminate(key: WatchKey) {
    order(Order::Terminate(key));
}

/// Kills the group now.
pub(crate) fn kill(key: WatchKey) {
    order(Order::Kill(key));
}

/// The child elsewhere has ended, or the expected process will not arrive.
pub(crate) fn forget(key: WatchKey) {
    order(Order::Forget(key));
}

/// Calls `ring` on the watcher's thread at that time, once. It must not block. An alarm cannot be
/// cancelled: `ring` checks whether it still matters.
pub(crate) fn alarm(at: Instant, ring: impl FnOnce() + Send + 'static) {
    order(Order::Alarm(at, Box::new(ring)));
}

/// The body of the watcher's thread.
fn run(exits: Exits, orders: &Mutex<Vec<Order>>) {
    let mut watching = Watching { exits, watches: HashMap::new(), dead: Dead::default() };
    // Ordered by time, and alarms with the same time in the order of arrival.
    let mut alarms: BTreeMap<(Instant, u64), Ring> = BTreeMap::new();
    let mut alarms_set = 0;
    loop {
        // A subscriber may be slow: first everything that is due is done.
        let traced = trace::later();
        let new = std::mem::take(&mut *lock(orders));
        let now = Instant::now();
        // A panic here would end the watching of all children.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            for order in new {
                match order {
                    Order::Alarm(at, ring) => {
                        alarms_set += 1;
                        alarms.insert((at, alarms_set), ring);
                    }
                    order => watching.obey(order, now),
                }
            }
            watching.climb(now);
            watching.dead.reap(now);
        }));
        while let Some(alarm) = alarms.first_entry().filter(|alarm| alarm.key().0 <= now) {
            let _ = catch_unwind(AssertUnwindSafe(alarm.remove()));
        }
        drop(traced);
        let deadlines = watching.deadlines().chain(alarms.keys().next().map(|(at, _)| *at));
        let deadline = deadlines.min();
        let ended = watching.exits.wait(deadline);
        let _traced = trace::later();
        let _ = catch_unwind(AssertUnwindSafe(|| {
            ended.into_iter().for_each(|key| watching.has_ended(WatchKey(key)));
        }));
    }
}

/// The state of the watcher's thread.
struct Watching {
    exits: Exits,
    watches: HashMap<WatchKey, Watch>,
    dead: Dead,
}

impl Watching {
    fn deadlines(&self) -> impl Iterator<Item = Instant> {
        let watches = self.watches.values().filter_map(Watch::deadline);
        watches.chain(self.dead.reap_at)
    }

    fn obey(&mut self, order: Order, now: Instant) {
        match order {
            Order::Watch(key, mut watch) => {
                let watched = match &mut watch.subject {
                    Subject::Process(process) => self.exits.watch(key.0, process),
                    Subject::Elsewhere(_) | Subject::ToCome(_) => Ok(()),
                };
                self.watches.insert(key, watch);
                self.drop_if_unwatchable(key, watched);
            }
            Order::Arrived(key, mut process) => {
                // Given up while the system was still starting it.
                let Some(watch) = self.watches.get_mut(&key) else { return self.bury(process) };
                let watched = self.exits.watch(key.0, &mut process);
                // The request came before there was a process that could get it.
                if watch.terminated {
                    let _ = process.terminate();
                }
                watch.subject = Subject::Process(process);
                self.drop_if_unwatchable(key, watched);
            }
            Order::Bury(process) => self.bury(process),
            Order::Ready(key) => {
                if let Some(watch) = self.watches.get_mut(&key) {
                    watch.start_deadline = None;
                }
            }
            Order::Stop(key, grace) => {
                if let Some(watch) = self.watches.get_mut(&key) {
                    watch.ladder.ask(now, grace);
                }
            }
            Order::Terminate(key) => {
                if let Some(watch) = self.watches.get_mut(&key) {
                    watch.ladder.terminate(now);
                }
            }
            Order::Kill(key) => {
                if let Some(watch) = self.watches.get_mut(&key) {
                    watch.ladder.kill(now);
                }
            }
            Order::Forget(key) => {
                self.watches.remove(&key);
            }
            // Alarms are kept separately from the watches.
            Order::Alarm(..) => {}
        }
    }

    fn climb(&mut self, now: Instant) {
        let mut given_up = Vec::new();
        for (key, watch) in &mut self.watches {
            if watch.start_deadline.as_mut().is_some_and(|deadline| deadline.passed(now)) {
                watch.start_deadline = None;
                Arc::clone(&watch.owner).start_deadline_passed();
                watch.ladder.kill(now);
            }
            match watch.ladder.due(now, PAUSES) {
                None => {}
                Some(Rung::GiveUp) => given_up.push(*key),
                Some(rung) => watch.climb(rung),
            }
        }
        for key in given_up {
            let Some(watch) = self.watches.remove(&key) else { continue };
            match watch.subject {
                Subject::Process(process) => {
                    let refused = watch.refused.then_some(Unkillable::NotPermitted);
                    let why = refused.unwrap_or_else(|| process.unkillable());
                    self.dead.to_end.insert(key, process);
                    watch.owner.given_up(why);
                }
                // Its launcher has not reported its end since it was asked to end.
                Subject::Elsewhere(_) => watch.owner.ended(ProcessEnd::LinkLost),
                Subject::ToCome(_) => {}
            }
        }
    }

    /// A process whose end could not be observed must not exist.
    fn drop_if_unwatchable(&mut self, key: WatchKey, watched: io::Result<()>) {
        let Err(why) = watched else { return };
        let Some(Watch { owner, subject, .. }) = self.watches.remove(&key) else {
            return;
        };
        if let Subject::Process(process) = subject {
            let _ = process.kill();
            self.dead.keep(Remains::new(process));
        }
        owner.unwatchable(&why);
    }

    fn bury(&mut self, mut process: Process) {
        let _ = process.kill();
        let key = key();
        match self.exits.watch(key.0, &mut process) {
            Ok(()) => drop(self.dead.to_end.insert(key, process)),
            Err(_) => self.dead.keep(Remains::new(process)),
        }
    }

    /// The process is a zombie: its group is killed while the number is still taken, then it is
    /// reaped.
    fn has_ended(&mut self, key: WatchKey) {
        let Some(Watch { owner, subject, .. }) = self.watches.remove(&key) else {
            if let Some(process) = self.dead.to_end.remove(&key) {
                let _ = process.kill();
                self.dead.keep(Remains::new(process));
            }
            return;
        };
        let Subject::Process(process) = subject else { return };
        let _ = process.kill();
        let mut remains = Remains::new(process);
        let end = match remains.reap_leader() {
            Wait::Status(status) => ProcessEnd::Status(status),
            Wait::ReapedElsewhere => ProcessEnd::Unknown,
            Wait::NotYet => remains
                .process
                .status_before_reaping()
                .map_or(ProcessEnd::Unknown, ProcessEnd::Status),
        };
        self.dead.keep(remains);
        owner.ended(end);
    }
}

/// Processes that were reported as ended and are not reaped yet.
#[derive(Default)]
struct Dead {
    /// Given up, or never wanted: the watcher is notified when they end.
    to_end: HashMap<WatchKey, Process>,
    to_reap: Vec<Remains>,
    reap_at: Option<Instant>,
    pause: Duration,
}

impl Dead {
    /// Reaps the process, now or later.
    fn keep(&mut self, mut remains: Remains) {
        if remains.are_left() {
            self.to_reap.push(remains);
            self.pause = REAP_AGAIN.get();
            self.reap_at = Some(Instant::now() + self.pause);
        }
    }

    /// The system does not report when a tracer releases a process, so reaping is retried, with
    /// growing pauses.
    fn reap(&mut self, now: Instant) {
        if self.reap_at.is_none_or(|at| now < at) {
            return;
        }
        self.to_reap.retain_mut(Remains::are_left);
        self.pause = (self.pause * 2).min(REAP_AGAIN_MAX.get());
        self.reap_at = (!self.to_reap.is_empty()).then(|| now + self.pause);
    }
}

/// A process that has ended and cannot be reaped yet.
struct Remains {
    process: Process,
    /// The process itself, and other members of its group that have become children of this
    /// process. The group's number remains its own as long as one of them exists.
    leader: Option<Wait>,
}

impl Remains {
    fn new(process: Process) -> Self {
        Self { process, leader: None }
    }

    fn reap_leader(&mut self) -> Wait {
        match self.leader {
            None | Some(Wait::NotYet) => *self.leader.insert(self.process.reap()),
            Some(reaped) => reaped,
        }
    }

    fn are_left(&mut self) -> bool {
        match self.reap_leader() {
            Wait::NotYet => true,
            Wait::Status(_) => self.process.reap_group(),
            Wait::ReapedElsewhere => false,
        }
    }
}

impl Watch {
    fn deadline(&self) -> Option<Instant> {
        let look = self.start_deadline.as_ref().map(StartDeadline::next_look);
        self.ladder.deadline().into_iter().chain(look).min()
    }

    fn climb(&mut self, rung: Rung) {
        Arc::clone(&self.owner).climbed(rung);
        match (&mut self.subject, rung) {
            (Subject::Process(process), Rung::Terminate) => drop(process.terminate()),
            (Subject::Process(process), _) => self.refused = process.kill().is_err(),
            (Subject::ToCome(_), Rung::Terminate) => self.terminated = true,
            (Subject::ToCome(spawning), _) => {
                if !spawning.abandon() {
                    // The process exists and is about to arrive; then it is killed.
                    self.ladder = StopLadder::default();
                    self.ladder.kill(Instant::now() + KILL_ON_ARRIVAL);
                }
            }
            (Subject::Elsewhere(child), Rung::Terminate) => child.terminate(),
            (Subject::Elsewhere(child), _) => child.kill(),
        }
    }
}
