//! The watcher: one thread that hears of every process's end, climbs every stop ladder, keeps every
//! start deadline and rings every alarm.
//!
//! It alone decides that a process is gone. It waits without reaping, kills the group while the pid
//! still belongs to it, and then reaps. It never does anything that could block: whoever is told of an
//! end ([`Watched`]) only passes it on.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::ExitStatus;
use super::stop::{Rung, StopLadder};
use super::sys::{self, Exits, Process, Waker};
use crate::limits::TERMINATE_GRACE;
use crate::sync::lock;

/// Whose process is watched.
pub(crate) trait Watched: Send + Sync {
    /// The process has ended and is reaped. Must not block.
    fn ended(self: Arc<Self>, generation: u32, status: Option<ExitStatus>);
    /// The ladder has come to this rung. Must not block.
    fn climbed(self: Arc<Self>, generation: u32, rung: Rung);
    /// Not ready in time; it is killed next.
    fn start_deadline_passed(self: Arc<Self>, generation: u32);
}

/// Names one run of one child to the watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WatchKey(u64);

enum Order {
    Watch(WatchKey, Watch),
    Ready(WatchKey),
    Stop(WatchKey, Duration),
    Terminate(WatchKey),
    Kill(WatchKey),
    /// An in-process child has ended by itself.
    Forget(WatchKey),
    Alarm(Instant, Ring),
}

/// What an alarm does. Must not block.
type Ring = Box<dyn FnOnce() + Send>;

struct Watch {
    owner: Arc<dyn Watched>,
    generation: u32,
    /// None: a child on a thread, which only has ladder and deadline.
    process: Option<Process>,
    ladder: StopLadder,
    start_deadline: Option<Instant>,
}

type Orders = Arc<Mutex<Vec<Order>>>;

struct Watcher {
    orders: Orders,
    wake: Waker,
}

fn watcher() -> io::Result<&'static Watcher> {
    static WATCHER: OnceLock<Result<Watcher, String>> = OnceLock::new();
    let started = WATCHER.get_or_init(|| {
        let (exits, wake) = Exits::new().map_err(|error| error.to_string())?;
        let orders = Orders::default();
        let for_thread = Arc::clone(&orders);
        let thread = thread::Builder::new().name("mp-watch".into());
        thread.spawn(move || run(exits, &for_thread)).map_err(|error| error.to_string())?;
        Ok(Watcher { orders, wake })
    });
    started.as_ref().map_err(|error| io::Error::other(format!("no watcher thread: {error}")))
}

impl Watcher {
    fn order(&self, order: Order) {
        lock(&self.orders).push(order);
        (self.wake)();
    }
}

fn order(order: Order) {
    if let Ok(watcher) = watcher() {
        watcher.order(order);
    }
}

/// Makes sure that there is a watcher before there is something to watch.
pub(crate) fn prepare() -> io::Result<()> {
    watcher().map(drop)
}

/// A fresh key.
pub(crate) fn key() -> WatchKey {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    WatchKey(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Watches a run until its process has ended; no process: a child on a thread; no deadline: it may
/// take as long as it likes to get ready.
pub(crate) fn watch(
    key: WatchKey,
    owner: Arc<dyn Watched>,
    generation: u32,
    process: Option<Process>,
    start_deadline: Option<Instant>,
) {
    let ladder = StopLadder::default();

    order(Order::Watch(key, Watch { owner, generation, process, ladder, start_deadline }));
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

/// The child on a thread has ended.
pub(crate) fn forget(key: WatchKey) {
    order(Order::Forget(key));
}

/// Calls `ring` on the watcher's thread at that time, once. It must not block. There is no way to call it
/// off: `ring` looks whether it still matters.
pub(crate) fn alarm(at: Instant, ring: impl FnOnce() + Send + 'static) {
    order(Order::Alarm(at, Box::new(ring)));
}

fn run(mut exits: Exits, orders: &Orders) {
    let mut watches: HashMap<WatchKey, Watch> = HashMap::new();
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
                    order => obey(order, now, &mut exits, &mut watches),
                }
            }
            climb(now, &mut watches);
        }));
        while let Some(alarm) = alarms.first_entry().filter(|alarm| alarm.key().0 <= now) {
            let _ = catch_unwind(AssertUnwindSafe(alarm.remove()));
        }
        let deadlines = watches.values().filter_map(Watch::deadline);
        let deadlines = deadlines.chain(alarms.keys().next().map(|(at, _)| *at));
        for ended in exits.wait(deadlines.min()) {
            if let Some(watch) = watches.remove(&WatchKey(ended)) {
                watch.end();
            }
        }
    }
}

fn obey(order: Order, now: Instant, exits: &mut Exits, watches: &mut HashMap<WatchKey, Watch>) {
    match order {
        Order::Watch(key, mut watch) => {
            let watched = match &mut watch.process {
                Some(process) => exits.watch(key.0, process),
                None => Ok(()),
            };
            match watched {
                Ok(()) => {
                    watches.insert(key, watch);
                }
                // It cannot be heard of, so it must not be.
                Err(_) => {
                    watch.kill();
                    watch.end();
                }
            }
        }
        Order::Ready(key) => {
            if let Some(watch) = watches.get_mut(&key) {
                watch.start_deadline = None;
            }
        }
        Order::Stop(key, grace) => {
            if let Some(watch) = watches.get_mut(&key) {
                watch.ladder.ask(now, grace);
            }
        }
        Order::Terminate(key) => {
            if let Some(watch) = watches.get_mut(&key) {
                watch.ladder.terminate(now);
            }
        }
        Order::Kill(key) => {
            if let Some(watch) = watches.get_mut(&key) {
                watch.ladder.kill(now);
            }
        }
        Order::Forget(key) => {
            watches.remove(&key);
        }
        // Its rings stand beside the watches.
        Order::Alarm(..) => {}
    }
}

fn climb(now: Instant, watches: &mut HashMap<WatchKey, Watch>) {
    for watch in watches.values_mut() {
        if watch.start_deadline.is_some_and(|at| at <= now) {
            watch.start_deadline = None;
            Arc::clone(&watch.owner).start_deadline_passed(watch.generation);
            watch.ladder.kill(now);
        }
        let Some(rung) = watch.ladder.due(now, TERMINATE_GRACE) else {
            continue;
        };
        Arc::clone(&watch.owner).climbed(watch.generation, rung);
        match rung {
            Rung::Terminate => {
                if let Some(process) = &watch.process {
                    sys::terminate(process.id());
                }
            }
            Rung::Kill => watch.kill(),
        }
    }
}

impl Watch {
    fn deadline(&self) -> Option<Instant> {
        self.ladder.deadline().into_iter().chain(self.start_deadline).min()
    }

    fn kill(&self) {
        if let Some(process) = &self.process {
            sys::kill_group(process.id());
        }
    }

    /// The process is a zombie: its group is killed while the number is still taken, then it is reaped.
    fn end(mut self) {
        let status = self.process.as_mut().and_then(|process| {
            sys::kill_group(process.id());
            process.reap().ok()
        });
        self.owner.ended(self.generation, status);
    }
}
