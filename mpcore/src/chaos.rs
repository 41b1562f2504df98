//! Chaos for tests: threads are held up where they take locks, and wake up where nothing has happened.
//!
//! Only with the feature `chaos`, and only where the environment has a number in `CHAOS_SEED`: the same number, the same
//! dice in each thread, although the system still decides which thread comes first. The children inherit it.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// One of so many locks is taken after a turn of other threads.
const YIELDS: u64 = 8;
/// One of so many, after a short sleep.
const SLEEPS: u64 = 64;
/// No sleep is longer, in microseconds.
const SLEEP_MAX: u64 = 300;
/// One of so many waits ends at once, although nothing has happened.
const WAKES: u64 = 3;

fn seed() -> Option<u64> {
    static SEED: OnceLock<Option<u64>> = OnceLock::new();
    *SEED.get_or_init(|| std::env::var("CHAOS_SEED").ok()?.parse().ok())
}

thread_local! {
    /// Zero: not cast yet.
    static DICE: Cell<u64> = const { Cell::new(0) };
}

/// A number below `sides`; `None` where there is no chaos, and at the end of a thread.
fn roll(sides: u64) -> Option<u64> {
    static THREADS: AtomicU64 = AtomicU64::new(1);
    let seed = seed()?;
    let rolled = DICE.try_with(|dice| {
        let mut state = dice.get();
        if state == 0 {
            let thread = THREADS.fetch_add(1, Ordering::Relaxed);
            state = mixed(seed ^ mixed(thread)).max(1);
        }
        // xorshift
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        dice.set(state);
        mixed(state) % sides
    });
    rolled.ok()
}

/// Near numbers become far ones (the finaliser of splitmix64).
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Before a lock is taken.
pub(crate) fn delay() {
    match roll(SLEEPS) {
        Some(0) => {
            let microseconds = roll(SLEEP_MAX).unwrap_or_default();
            thread::sleep(Duration::from_micros(microseconds));
        }
        Some(number) if number % YIELDS == 1 => thread::yield_now(),
        _ => {}
    }
}

/// Whether a wait shall end at once.
pub(crate) fn wakes_up() -> bool {
    roll(WAKES) == Some(0)
}
