//! What an object shows of a property: what was last delivered, not what the child has sent meanwhile.
//!
//! A property of a `QObject` changes in the thread of the GUI, together with its signal. The mirror of the
//! control is ahead of that: the reader's thread sets it. So a read in QML, a binding and the handler of
//! any signal would each see another time.

use std::cell::RefCell;
use std::fmt;

/// What an object shows of one property: what was last delivered.
pub struct Shown<V>(RefCell<V>);

impl<V: Default> Default for Shown<V> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<V> fmt::Debug for Shown<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl<V: Clone> Shown<V> {
    /// The value.
    pub fn get(&self) -> V {
        self.0.borrow().clone()
    }

    /// Just before the signal that tells it.
    pub(crate) fn set(&self, value: V) {
        // What Qt does when it drops the old one is not our business, but comes after.
        let old = self.0.replace(value);
        drop(old);
    }
}
