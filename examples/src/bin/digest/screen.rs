//! The output: lines on stdout, and a progress bar on stderr if that is a terminal.

use std::fmt::Display;
use std::io::{self, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

/// Steps of the bar, without a unit.
const STEPS: u64 = 1000;

#[derive(Debug)]
pub(crate) struct Screen {
    bar: ProgressBar,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new(STEPS);
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar }
    }

    /// Shows the progress, and a text beside it, which must be safe on a terminal.
    pub(crate) fn progress(&self, fraction: f64, text: String) {
        self.bar.set_position((fraction * STEPS as f64) as u64);
        self.bar.set_message(text);
    }

    /// Prints a line above the bar.
    pub(crate) fn say(&self, line: impl Display) -> io::Result<()> {
        self.bar.suspend(|| writeln!(io::stdout(), "{line}"))
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
