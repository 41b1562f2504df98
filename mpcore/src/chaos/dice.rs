//! The settings of chaos in the environment, the dice (one sequence per thread, and one throw per
//! knob), and what they cause: delays, wake-ups, parts. See [`super`].

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::Role;
use crate::wire::messages::handshake::MARK;

/// One of this many locks is taken after a yield.
const YIELDS: u64 = 8;
/// One of this many locks is taken after a short sleep.
const SLEEPS: u64 = 64;
/// The longest sleep, in microseconds.
const SLEEP_MAX: u64 = 300;
/// One of this many waits ends immediately, although nothing has happened.
const WAKES: u64 = 3;
/// One of this many reads and writes does less than it could.
const PARTS: u64 = 3;
/// The largest such part in bytes: a longer one would cut little.
const PART_MAX: u64 = 40;

/// The settings in the environment.
struct Chaos {
    seed: u64,
    role: Role,
    /// The names in `CHAOS_LEAVE`.
    left: Vec<String>,
    delays: bool,
    wakes: bool,
    parts: bool,
}

impl Chaos {
    fn of_environment() -> Option<Self> {
        let seed = std::env::var("CHAOS_SEED").ok()?.parse().ok()?;
        let is_child = std::env::args_os().any(|arg| arg.to_string_lossy().starts_with(MARK));
        let role = if is_child { Role::Child } else { Role::Controller };
        let left = std::env::var("CHAOS_LEAVE").unwrap_or_default();
        let left: Vec<_> = left.split(',').map(|name| name.trim().to_owned()).collect();
        let has = |name: &str| !left.iter().any(|it| it == name);
        let (delays, wakes, parts) = (has("delays"), has("wake-ups"), has("parts"));
        Some(Self { seed, role, left, delays, wakes, parts })
    }
}

fn chaos() -> Option<&'static Chaos> {
    static CHAOS: OnceLock<Option<Chaos>> = OnceLock::new();
    CHAOS.get_or_init(Chaos::of_environment).as_ref()
}

thread_local! {
    /// Zero: not seeded yet.
    static DICE: Cell<u64> = const { Cell::new(0) };
}

impl Chaos {
    /// Returns a number below `sides`; `None` at the end of a thread.
    fn roll(&self, sides: u64) -> Option<u64> {
        static THREADS: AtomicU64 = AtomicU64::new(1);
        let rolled = DICE.try_with(|dice| {
            let mut state = dice.get();
            if state == 0 {
                let thread = THREADS.fetch_add(1, Ordering::Relaxed);
                state = mixed(self.seed ^ mixed(thread)).max(1);
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
}

/// Spreads similar numbers far apart (the finaliser of splitmix64).
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

pub(super) fn reigns() -> bool {
    chaos().is_some()
}

pub(super) fn delay() {
    let Some(chaos) = chaos().filter(|chaos| chaos.delays) else { return };
    match chaos.roll(SLEEPS) {
        Some(0) => {
            let microseconds = chaos.roll(SLEEP_MAX).unwrap_or_default();
            thread::sleep(Duration::from_micros(microseconds));
        }
        Some(number) if number % YIELDS == 1 => thread::yield_now(),
        _ => {}
    }
}

pub(super) fn wakes_up() -> bool {
    chaos().is_some_and(|chaos| chaos.wakes && chaos.roll(WAKES) == Some(0))
}

pub(super) fn part(length: usize) -> usize {
    let Some(chaos) = chaos().filter(|chaos| chaos.parts) else { return length };
    match chaos.roll(PARTS) {
        Some(0) => length.min(1 + chaos.roll(PART_MAX).unwrap_or_default() as usize),
        _ => length,
    }
}

pub(super) fn some(ready: &mut Vec<usize>) {
    let Some(chaos) = chaos().filter(|chaos| chaos.parts && ready.len() > 1) else { return };
    if chaos.roll(PARTS) == Some(0) {
        // The first one is always the same, so it must not always be the one that is kept.
        let first = chaos.roll(ready.len() as u64).unwrap_or_default() as usize;
        ready.drain(..first);
        ready.truncate(1);
    }
}

/// Returns the index of the number that this process uses; the first one is the default.
pub(super) fn drawn(name: &str, choices: usize) -> Option<usize> {
    let chaos = chaos().filter(|chaos| !chaos.left.iter().any(|it| it == name))?;
    Some(draw(chaos.seed, chaos.role, name, choices))
}

/// The same for any seed and role.
pub(super) fn draw(seed: u64, role: Role, name: &str, choices: usize) -> usize {
    let own = mixed(mixed(seed) ^ role as u64);
    let thrown = name.bytes().fold(own, |state, byte| mixed(state ^ u64::from(byte)));
    (thrown % choices as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_drawn_by_some_seed_and_by_either_role() {
        let draws = |role| (1..=100).map(move |seed| draw(seed, role, "ANY", 4));
        for role in [Role::Controller, Role::Child] {
            for choice in 0..4 {
                assert!(draws(role).any(|drawn| drawn == choice), "{role:?}: {choice}");
            }
            assert!(draws(role).eq(draws(role)), "the same seed, the same choice");
        }
        assert!(draws(Role::Controller).ne(draws(Role::Child)));
    }

    #[test]
    fn without_a_seed_all_is_calm() {
        if chaos().is_some() {
            return; // chaos was requested
        }
        assert_eq!((part(100), part(0), wakes_up(), drawn("ANY", 4)), (100, 0, false, None));
        let mut ready = vec![0, 3, 5];
        some(&mut ready);
        assert_eq!(ready, [0, 3, 5]);
    }
}
