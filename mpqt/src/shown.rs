//! The value of a property that an object shows: the one delivered last, not the one that arrived
//! last.
//!
//! A property of a `QObject` changes in the GUI thread, together with its signal. The control's
//! mirror is ahead of that, because the reader thread sets it: a read in QML, a binding and the
//! handler of a signal would each see a different state.

use std::cell::RefCell;
use std::fmt;

/// The value of one property that was delivered last.
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
    /// Returns the value.
    pub fn get(&self) -> V {
        self.0.borrow().clone()
    }

    /// Sets the value. Called just before its signal is emitted.
    pub(crate) fn set(&self, value: V) {
        // Dropping the old value may run code of Qt, which must see the new one.
        let old = self.0.replace(value);
        drop(old);
    }
}
