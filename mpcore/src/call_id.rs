//! The number that identifies a call.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number that identifies a call to one child: 1 for the first, increasing over all runs.
///
/// ```
/// # #[mpcore::process] trait Laser { fn add_two(&mut self, a: i32, b: i32) -> i32; }
/// # fn f(laser: &LaserControl) {
/// let id = laser.add_two(1, 2).id();
/// laser.process().signals().progress.connect(move |progress| {
///     if progress.call == id {
///         println!("{:.0} %", progress.fraction * 100.0);
///     }
/// });
/// laser.process().cancel(id);
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(u64);

impl CallId {
    /// The call with this number, such as one that came through a user interface.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
