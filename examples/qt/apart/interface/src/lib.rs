//! An interface and its child in a crate of their own. A controller of the child needs this crate;
//! this crate needs only mpcore, and no Qt.
//!
//! The child is a program of its own, `src/main.rs`; the user interface is the package `apart-ui`.

/// Counts words.
#[mpcore::process]
pub trait WordCounter {
    /// Signal `counted(words, longest)`: the number of words, and the longest one.
    #[signal(name = "counted")]
    fn count(&mut self, text: String) -> (u32, String);

    /// The number of words so far.
    #[property]
    fn total(&self) -> u32;
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(WordCounter)]
pub struct WordCounterProcess {
    cx: WordCounterContext,
}

impl WordCounter for WordCounterProcess {
    fn count(&mut self, text: String) -> (u32, String) {
        let words = text.split_whitespace();
        let longest = words.clone().max_by_key(|word| word.chars().count()).unwrap_or_default();
        let count = u32::try_from(words.count()).unwrap_or(u32::MAX);
        self.cx.total.modify(|total| *total = total.saturating_add(count));
        (count, longest.to_owned())
    }
}
