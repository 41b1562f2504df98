//! The watcher: one thread that hears of every process's end, climbs every stop ladder, keeps every
//! start deadline and rings every alarm.
//!
//! It alone decides that a process is gone. It waits without reaping, kills the group while the pid
//! still belongs to it, and then reaps. It never does anything that could block: a process that cannot be reaped
//! yet, since a tracer holds it, is reported as ended all the same and reaped later; one that cannot even be killed is
//! given up, and reaped when it ends. What receives an end ([`Watched`]) only passes it on.
//!
//! It is made when it is first needed. What is ordered while there is no thread or descriptor for it waits until it can
//! be made: every later order tries again, so does every start, and in a child, which may have only this one, its
//! [other threads](make_good).

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::spawn::Spawning;
use super::start_deadline::StartDeadline;
use super::stop::{Pauses, Rung, StopLadder};
use super::sys::{Exits, Process, Wait, Waker};
use super::{End, Unkillable};
use crate::limits::{KILL_GRACE, REAP_AGAIN, REAP_AGAIN_MAX, TERMINATE_GRACE};
use crate::made_once::MadeOnce;
use crate::sync::lock;

const PAUSES: Pauses = Pauses { after_terminate: TERMINATE_GRACE, after_kill: KILL_GRACE };

/// A process that was spawned is handed over within a few microseconds.
const KILL_ON_ARRIVAL: Duration = Duration::from_millis(1);

/// Whose process is watched.
pub(crate) trait Watched: Send + Sync {
    /// The process has ended. Must not block.
    fn ended(self: Arc<Self>, end: End);
    /// The ladder has come to this rung. Must not block.
    fn climbed(self: Arc<Self>, rung: Rung);
    /// Not ready in time; it is killed next.
    fn start_deadline_passed(self: Arc<Self>);
    /// It was killed a while ago and has not ended. It is not reported again. Must not block.
    fn given_up(self: Arc<Self>, why: Unkillable);
    /// Its end could not be noticed, so it was killed. It is not reported again. Must not block.
    fn unwatchable(self: Arc<Self>, why: &io::Error);
}

/// Names one run of one child to the watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WatchKey(u64);

enum Order {
    Watch(WatchKey, Watch),
    Arrived(WatchKey, Process),
    /// A process whose run was abandoned: it is killed, and reaped.
    Bury(Process),
    Ready(WatchKey),
    Stop(WatchKey, Duration),
    Terminate(WatchKey),
    Kill(WatchKey),
    /// An in-process child has ended by itself, or there is no process after all.
    Forget(WatchKey),
    Alarm(Instant, Ring),
}

/// What an alarm does. Must not block.
type Ring = Box<dyn FnOnce() + Send>;

/// What is watched.
pub(crate) enum Subject {
    /// A child on a thread, which only has ladder and deadline.
    Thread,
    /// A process that is just being spawned.
    ToCome(Arc<Spawning>),
    Process(Process),
}

struct Watch {
    owner: Arc<dyn Watched>,
    subject: Subject,
    ladder: StopLadder,
    start_deadline: Option<StartDeadline>,
    /// SIGTERM was due; a process that comes later gets it on arrival.
    terminated: bool,
    /// The system has refused to send SIGKILL.
    refused: bool,
}

/// What is to be done next, also while there is no watcher yet.
static ORDERS: Mutex<Vec<Order>> = Mutex::new(Vec::new());

/// Orders wait for a watcher that could not be made.
static LACKING: AtomicBool = AtomicBool::new(false);

struct Watcher {
    wake: Waker,
}

fn watcher() -> io::Result<&'static Watcher> {
    static WATCHER: MadeOnce<Watcher> = MadeOnce::new();
    WATCHER.get_or_make(|| {
        let (exits, wake) = Exits::new()?;
        let thread = thread::Builder::new().name("mp-watch".into());
        // Its first look finds what has waited for it.
        thread.spawn(move || run(exits, &ORDERS))?;
        Ok(Watcher { wake })
    })
}

fn order(order: Order) {
    lock(&ORDERS).push(order);
    match watcher() {
        Ok(watcher) => (watcher.wake)(),
        Err(_) => LACKING.store(true, Ordering::Relaxed),
    }
}

/// Makes the watcher if something was ordered while it could not be made. Costs nothing otherwise, and in a lasting
/// shortage one attempt in [`REAP_AGAIN`]: a command may ask in a loop.
pub(crate) fn make_good() {
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

/// Makes sure that there is a watcher before there is something to watch.
pub(crate) fn prepare() -> io::Result<()> {
    watcher().map(drop)
}

/// A fresh key.
pub(crate) fn key() -> WatchKey {
    use std::sync::atomic::AtomicU64;
    static NEXT: AtomicU64 = AtomicU64::new(1);
    WatchKey(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Watches a run until its process has ended, or is [forgotten](forget); no deadline: it may take as long as it likes
/// to get ready.
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

/// The process that was to come is there.
pub(crate) fn arrived(key: WatchKey, process: Process) {
    order(Order::Arrived(key, process));
}

/// Kills a process that no run waits for any more, and sees to its being reaped.
pub(crate) fn bury(process: Process) {
    order(Order::Bury(process));
}

/// The child is ready: its start deadline no longer counts.
pub(crate) fn ready(key: WatchKey) {
    order(Order::Ready(key));
}

/// A stop request has gone out: climb the ladder.
pub(crate) fn stop(key: WatchKey, grace: Duration) {
    order(Order::Stop(key, grace));
}

/// Send SIGTERM now, and climb on from there.
pub(crate) fn terminate(key: WatchKey) {
    order(Order::Terminate(key));
}

/// Kill the group now.
pub(crate) fn kill(key: WatchKey) {
    order(Order::Kill(key));
}

/// The child on a thread has ended, or the process that was to come does not.
pub(crate) fn forget(key: WatchKey) {
    order(Order::Forget(key));
}

/// Calls `ring` on the watcher's thread at that time, once. It must not block. There is no way to call it
/// off: `ring` looks whether it still matters.
pub(crate) fn alarm(at: Instant, ring: impl FnOnce() + Send + 'static) {
    order(Order::Alarm(at, Box::new(ring)));
}

fn run(exits: Exits, orders: &Mutex<Vec<Order>>) {
    let mut watching = Watching { exits, watches: HashMap::new(), dead: Dead::default() };
    // By their time, and those of one time as they came.
    let mut alarms: BTreeMap<(Instant, u64), Ring> = BTreeMap::new();
    let mut alarms_set = 0;
    loop {
        let new = std::mem::take(&mut *lock(orders));
        let now = Instant::now();
        // A panic here would be the end of hearing of any child.
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
        let deadlines = watching.deadlines().chain(alarms.keys().next().map(|(at, _)| *at));
        let deadline = deadlines.min();
        let ended = watching.exits.wait(deadline);
        let _ = catch_unwind(AssertUnwindSafe(|| {
            ended.into_iter().for_each(|key| watching.has_ended(WatchKey(key)));
        }));
    }
}

/// What the watcher's thread knows.
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
                    Subject::Thread | Subject::ToCome(_) => Ok(()),
                };
                self.watches.insert(key, watch);
                self.hear_of(key, watched);
            }
            Order::Arrived(key, mut process) => {
                let Some(watch) = self.watches.get_mut(&key) else { return self.bury(process) };
                let watched = self.exits.watch(key.0, &mut process);
                if watch.terminated {
                    let _ = process.terminate();
                }
                watch.subject = Subject::Process(process);
                self.hear_of(key, watched);
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
            // Its rings stand beside the watches.
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
            if let Subject::Process(process) = watch.subject {
                let refused = watch.refused.then_some(Unkillable::NotPermitted);
                let why = refused.unwrap_or_else(|| process.unkillable());
                self.dead.to_end.insert(key, process);
                watch.owner.given_up(why);
            }
        }
    }

    /// A process whose end would not be noticed must not be.
    fn hear_of(&mut self, key: WatchKey, watched: io::Result<()>) {
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

    /// The process is a zombie: its group is killed while the number is still taken, then it is reaped.
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
            Wait::Status(status) => End::Status(status),
            Wait::ReapedElsewhere => End::Unknown,
            Wait::NotYet => {
                remains.process.status_before_reaping().map_or(End::Unknown, End::Status)
            }
        };
        self.dead.keep(remains);
        owner.ended(end);
    }
}

/// Processes that were reported as ended, and are not reaped yet.
#[derive(Default)]
struct Dead {
    /// Given up, or never wanted: they are heard of when they end.
    to_end: HashMap<WatchKey, Process>,
    to_reap: Vec<Remains>,
    reap_at: Option<Instant>,
    pause: Duration,
}

impl Dead {
    /// Reaps it, now or later.
    fn keep(&mut self, mut remains: Remains) {
        if remains.are_left() {
            self.to_reap.push(remains);
            self.pause = REAP_AGAIN.get();
            self.reap_at = Some(Instant::now() + self.pause);
        }
    }

    /// The system does not say when a tracer lets go of a process: so it is tried, ever more rarely.
    fn reap(&mut self, now: Instant) {
        if self.reap_at.is_none_or(|at| now < at) {
            return;
        }
        self.to_reap.retain_mut(Remains::are_left);
        self.pause = (self.pause * 2).min(REAP_AGAIN_MAX.get());
        self.reap_at = (!self.to_reap.is_empty()).then(|| now + self.pause);
    }
}

/// What has ended and may not be reaped yet.
struct Remains {
    process: Process,
    /// The process itself, and what else of its group has become a child of this process. Its group's number is
    /// its own as long as one of them is there.
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
        match (&self.subject, rung) {
            (Subject::Process(process), Rung::Terminate) => drop(process.terminate()),
            (Subject::Process(process), _) => self.refused = process.kill().is_err(),
            (Subject::ToCome(_), Rung::Terminate) => self.terminated = true,
            (Subject::ToCome(spawning), _) => {
                if !spawning.abandon() {
                    // It is there, and on its way here: then it is killed.
                    self.ladder = StopLadder::default();
                    self.ladder.kill(Instant::now() + KILL_ON_ARRIVAL);
                }
            }
            (Subject::Thread, _) => {}
        }
    }
}
