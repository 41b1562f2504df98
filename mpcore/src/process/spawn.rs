//! The threads that perform every spawn.
//!
//! There is one thread as long as the system starts programs without delay. Another is added if one
//! hangs, which happens when a virus scanner, a network drive or FUSE holds up the start of a
//! program. The threads never end, because Linux ties the parent-death signal to the thread that
//! spawned. The thread that orders a spawn waits for it until the order is abandoned; a process
//! that arrives later is killed on arrival.

use std::collections::VecDeque;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;
use std::{io, thread};

use crate::limits::SPAWN_PATIENCE;
use crate::process::pipes::PipeEnds;
use crate::process::sys;
use crate::sync::{lock, wait, wait_timeout};

/// A started process and the controller's ends of its pipes.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) process: sys::Process,
    pub(crate) pipes: PipeEnds,
}

/// An ordered spawn. See the [module](self).
#[derive(Debug)]
pub(crate) struct Spawning {
    state: Mutex<State>,
    changed: Condvar,
    /// Ends a process that arrives after the order was abandoned.
    bury: fn(sys::Process),
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Waiting,
    Done(io::Result<Spawned>),
    /// The thread that ordered it has taken it.
    Taken,
    /// The order was abandoned.
    Abandoned,
}

/// The wait for a spawn was ended.
#[derive(Debug)]
pub(crate) struct Abandoned;

impl Spawning {
    /// Creates an order. `bury` ends a process that arrives too late.
    pub(crate) fn new(bury: fn(sys::Process)) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), changed: Condvar::new(), bury })
    }

    /// Orders a spawn. Fails if there is no thread that could perform it.
    pub(crate) fn order(self: &Arc<Self>, command: Command) -> io::Result<()> {
        let mut jobs = lock(&JOBS.queue);
        if jobs.threads == 0 {
            start_thread(&mut jobs)?;
        }
        jobs.waiting.push_back((command, Arc::clone(self)));
        drop(jobs);
        JOBS.came.notify_one();
        Ok(())
    }

    /// Waits for the spawn, as long as it takes, or until it is [abandoned](Self::abandon).
    pub(crate) fn wait(&self) -> Result<io::Result<Spawned>, Abandoned> {
        loop {
            let mut state = lock(&self.state);
            if matches!(*state, State::Waiting) {
                state = wait_timeout(&self.changed, state, SPAWN_PATIENCE.get());
            }
            match std::mem::replace(&mut *state, State::Taken) {
                State::Done(spawned) => return Ok(spawned),
                State::Waiting => *state = State::Waiting,
                State::Taken | State::Abandoned => {
                    *state = State::Abandoned;
                    return Err(Abandoned);
                }
            }
            drop(state);
            relieve();
        }
    }

    /// Ends the wait. Returns whether it was in time, before the process was taken.
    pub(crate) fn abandon(&self) -> bool {
        let mut state = lock(&self.state);
        if matches!(*state, State::Waiting) {
            *state = State::Abandoned;
            self.changed.notify_all();
        }
        matches!(*state, State::Abandoned)
    }

    fn is_abandoned(&self) -> bool {
        matches!(*lock(&self.state), State::Abandoned)
    }

    /// Stores the result, or buries a process whose order was abandoned.
    fn done(&self, spawned: io::Result<Spawned>) {
        let mut state = lock(&self.state);
        if matches!(*state, State::Abandoned) {
            drop(state);
            if let Ok(late) = spawned {
                (self.bury)(late.process);
            }
            return;
        }
        *state = State::Done(spawned);
        self.changed.notify_all();
    }
}

fn spawn(command: &mut Command) -> io::Result<Spawned> {
    let (process, pipes) = sys::Process::spawn(command)?;
    Ok(Spawned { process, pipes })
}

/// The orders that no thread has taken yet, and the threads.
struct Jobs {
    queue: Mutex<Queue>,
    came: Condvar,
}

struct Queue {
    waiting: VecDeque<(Command, Arc<Spawning>)>,
    threads: usize,
    idle: usize,
    /// When a thread last took an order, or was started.
    moved: Option<Instant>,
}

static JOBS: Jobs = Jobs {
    queue: Mutex::new(Queue { waiting: VecDeque::new(), threads: 0, idle: 0, moved: None }),
    came: Condvar::new(),
};

fn start_thread(jobs: &mut MutexGuard<'_, Queue>) -> io::Result<()> {
    thread::Builder::new().name("mp-spawn".into()).spawn(run)?;
    jobs.threads += 1;
    jobs.moved = Some(Instant::now());
    Ok(())
}

/// Starts another thread for the waiting orders, if all threads hang.
fn relieve() {
    let mut jobs = lock(&JOBS.queue);
    let stands_still = jobs.moved.is_none_or(|at| at.elapsed() >= SPAWN_PATIENCE.get());
    if stands_still && jobs.idle == 0 && !jobs.waiting.is_empty() {
        // If no thread can be started, the orders continue to wait.
        let _ = start_thread(&mut jobs);
    }
}

/// The body of each thread.
fn run() {
    let mut jobs = lock(&JOBS.queue);
    loop {
        let Some((mut command, spawning)) = jobs.waiting.pop_front() else {
            jobs.idle += 1;
            jobs = wait(&JOBS.came, jobs);
            jobs.idle -= 1;
            continue;
        };
        jobs.moved = Some(Instant::now());
        drop(jobs);
        let spawned = (!spawning.is_abandoned()).then(|| spawn(&mut command));
        // The command holds the child's ends of pipes and lanes, which must be closed when the run
        // has ended.
        drop(command);
        if let Some(spawned) = spawned {
            spawning.done(spawned);
        }
        jobs = lock(&JOBS.queue);
    }
}
