//! Chaos for tests: makes rare timing events, which the system may cause at any moment, happen
//! often.
//!
//! Threads are delayed where they take locks and use lanes, wake up spuriously, and get only parts
//! of what they read and write. Each process also draws its own numbers where the size of a number
//! must not matter ([`Knob`]). Deadlines that chaos would make pass are longer ([`patience`]).
//!
//! Chaos needs the feature `chaos` (or a unit test) and a number in the environment variable
//! `CHAOS_SEED`. The same number gives the same dice in each thread and the same knobs, although
//! the system still decides which thread comes first. Children inherit it and draw other numbers
//! than their controller. `CHAOS_LEAVE` names what chaos leaves alone, to find the cause of a
//! failure: `delays`, `wake-ups`, `parts`, and knobs by their names in [`crate::limits`].

#[cfg(any(test, feature = "chaos"))]
mod dice;

use std::io::{self, Read, Write};
use std::time::Duration;

#[cfg(not(any(test, feature = "chaos")))]
use self::calm as dice;

/// Called before a lock is taken, and around the use of a lane.
#[inline]
pub(crate) fn delay() {
    dice::delay();
}

/// Returns whether a wait ends immediately, although nothing has happened.
#[inline]
pub(crate) fn wakes_up() -> bool {
    dice::wakes_up()
}

/// Returns how many of this many bytes are read or written at once: at least one, if there are any.
#[inline]
pub(crate) fn part(length: usize) -> usize {
    dice::part(length)
}

/// Keeps only some of the descriptors that are reported as ready, at least one; the rest is
/// reported again.
#[inline]
pub(crate) fn some(ready: &mut Vec<usize>) {
    dice::some(ready);
}

/// Returns a deadline that does not pass only because chaos delays everything.
#[inline]
pub(crate) fn patience(deadline: Duration) -> Duration {
    if dice::reigns() { 6 * deadline } else { deadline }
}

/// A stream that reads and writes in parts.
pub(crate) struct InParts<S>(pub(crate) S);

impl<S: Read> Read for InParts<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = part(buffer.len());
        self.0.read(&mut buffer[..length])
    }
}

impl<S: Write> Write for InParts<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&bytes[..part(bytes.len())])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A number that affects nothing but speed: in chaos tests it is one of several, and each process
/// has its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Knob<T: 'static> {
    value: T,
    #[cfg(any(test, feature = "chaos"))]
    name: &'static str,
    #[cfg(any(test, feature = "chaos"))]
    others: &'static [T],
}

impl<T: Copy> Knob<T> {
    pub(crate) const fn new(name: &'static str, value: T, others: &'static [T]) -> Self {
        #[cfg(not(any(test, feature = "chaos")))]
        let _ = (name, others);
        Self {
            value,
            #[cfg(any(test, feature = "chaos"))]
            name,
            #[cfg(any(test, feature = "chaos"))]
            others,
        }
    }

    /// Returns the number; it stays the same for the life of this process.
    #[inline]
    pub(crate) fn get(&self) -> T {
        #[cfg(any(test, feature = "chaos"))]
        if let Some(index) = dice::drawn(self.name, self.others.len() + 1) {
            return self.choice(index);
        }
        self.value
    }

    /// Returns what a process of this role draws with this seed, and all that it may draw, the
    /// default first.
    #[cfg(test)]
    pub(crate) fn draw(&self, seed: u64, role: Role) -> Draw
    where
        T: std::fmt::Debug,
    {
        let text = |index| format!("{:?}", self.choice(index));
        let choices = (0..=self.others.len()).map(text).collect::<Vec<_>>();
        let drawn = text(dice::draw(seed, role, self.name, choices.len()));
        Draw { name: self.name, drawn, choices }
    }

    #[cfg(any(test, feature = "chaos"))]
    fn choice(&self, index: usize) -> T {
        index.checked_sub(1).map_or(self.value, |index| self.others[index])
    }
}

/// Numbers as text, for tests, because they have different types.
#[cfg(test)]
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Draw {
    pub(crate) name: &'static str,
    pub(crate) drawn: String,
    pub(crate) choices: Vec<String>,
}

/// Both sides inherit the seed and have to differ.
#[cfg(any(test, feature = "chaos"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Controller = 1,
    Child = 2,
}

/// Used without the feature.
#[cfg(not(any(test, feature = "chaos")))]
mod calm {
    #[inline]
    pub(super) fn reigns() -> bool {
        false
    }

    #[inline]
    pub(super) fn delay() {}

    #[inline]
    pub(super) fn wakes_up() -> bool {
        false
    }

    #[inline]
    pub(super) fn part(length: usize) -> usize {
        length
    }

    #[inline]
    pub(super) fn some(_: &mut Vec<usize>) {}
}
