//! A singleton of the process, such as a helper thread, that is created when it is first needed.
//! Only success is remembered: a shortage of threads or descriptors passes, and the next caller
//! tries again.

use std::sync::{Mutex, OnceLock};

use crate::sync::lock;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct MadeOnce<T> {
    made: OnceLock<T>,
    making: Mutex<()>,
}

impl<T> MadeOnce<T> {
    pub(crate) const fn new() -> Self {
        Self { made: OnceLock::new(), making: Mutex::new(()) }
    }

    /// Returns the existing value, or creates it with `make`.
    pub(crate) fn get_or_make<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let _making = lock(&self.making);
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let made = make()?;
        Ok(self.made.get_or_init(|| made))
    }

    /// Returns the value, if it exists.
    #[cfg_attr(not(unix), allow(dead_code))]
    pub(crate) fn get(&self) -> Option<&T> {
        self.made.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_not_remembered_and_a_success_is() {
        let number = MadeOnce::new();
        assert_eq!(number.get_or_make(|| Err("no")), Err("no"));
        assert_eq!(number.get(), None);
        assert_eq!(number.get_or_make(|| Ok::<_, &str>(1)), Ok(&1));
        assert_eq!(number.get_or_make(|| Err("no")), Ok(&1));
        assert_eq!(number.get(), Some(&1));
    }
}
