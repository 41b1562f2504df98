//! The result of a trial: rows of figures, and broken promises; with counts, times and percentiles.

use std::fmt;
use std::time::Duration;

/// Whether a figure meets its goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Kept,
    /// It does not.
    Missed,
}

impl Verdict {
    fn of(kept: Option<bool>) -> Option<Self> {
        kept.map(|kept| if kept { Self::Kept } else { Self::Missed })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kept => "kept",
            Self::Missed => "missed",
        })
    }
}

/// One row.
#[derive(Debug)]
struct Figure {
    what: String,
    value: String,
    goal: String,
    verdict: Option<Verdict>,
}

/// The figures of one trial. Displayed as the rows of a Markdown table and, last, one line with all
/// of them that ends in `ok` or `FAILED`.
#[derive(Debug)]
pub struct Report {
    trial: &'static str,
    figures: Vec<Figure>,
    broken: Vec<String>,
}

impl Report {
    pub(super) fn new(trial: &'static str) -> Self {
        Self { trial, figures: Vec::new(), broken: Vec::new() }
    }

    /// Adds a figure without a goal.
    pub(super) fn figure(&mut self, what: &str, value: impl fmt::Display) {
        self.row(what, &value, "", None);
    }

    /// Adds a figure with a goal.
    pub(super) fn goal(&mut self, what: &str, value: impl fmt::Display, goal: &str, kept: bool) {
        self.row(what, &value, goal, Some(kept));
    }

    fn row(&mut self, what: &str, value: &dyn fmt::Display, goal: &str, kept: Option<bool>) {
        let (what, goal) = (what.to_owned(), goal.to_owned());
        let verdict = Verdict::of(kept);
        self.figures.push(Figure { what, value: value.to_string(), goal, verdict });
    }

    /// Adds a broken promise.
    pub(super) fn broken(&mut self, what: impl Into<String>) {
        self.broken.push(what.into());
    }

    /// Returns how many promises were broken so far.
    pub(super) fn count_broken(&self) -> usize {
        self.broken.len()
    }

    /// Returns whether every promise was kept.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.broken.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Broken promises are printed one by one, but not a hundred thousand of them.
        const TOLD: usize = 20;
        for Figure { what, value, goal, verdict } in &self.figures {
            let verdict = verdict.map(|verdict| verdict.to_string()).unwrap_or_default();
            writeln!(f, "| {what} | {value} | {goal} | {verdict} |")?;
        }
        for broken in self.broken.iter().take(TOLD) {
            writeln!(f, "FAILED: {}: {broken}", self.trial)?;
        }
        if self.broken.len() > TOLD {
            writeln!(f, "FAILED: {}: and {} more", self.trial, self.broken.len() - TOLD)?;
        }
        let figures = self.figures.iter().map(|figure| format!("{} {}", figure.what, figure.value));
        let figures = figures.collect::<Vec<_>>().join("; ");
        let verdict = if self.is_ok() { "ok" } else { "FAILED" };
        writeln!(f, "{}: {figures}: {verdict}", self.trial)
    }
}

/// Formats a count for people: `100,000`.
pub(super) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12.3 ms`.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Many measured times of the same kind.
#[derive(Debug, Default)]
pub(super) struct Times {
    times: Vec<Duration>,
}

impl Times {
    pub(super) fn add(&mut self, time: Duration) {
        self.times.push(time);
    }

    /// Returns how many of them are longer.
    pub(super) fn over(&self, bound: Duration) -> usize {
        self.times.iter().filter(|time| **time > bound).count()
    }

    /// Returns the time that this share of all does not exceed.
    pub(super) fn percentile(&self, share: f64) -> Duration {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    pub(super) fn longest(&self) -> Duration {
        self.percentile(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_commas() {
        for (number, expected) in
            [(0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (100_000, "100,000")]
        {
            assert_eq!(count(number), expected);
        }
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let mut times = Times::default();
        assert_eq!(times.longest(), Duration::ZERO);
        for number in [3, 1, 2, 100] {
            times.add(Duration::from_millis(number));
        }
        for (share, expected) in [(0.0, 1), (0.25, 1), (0.5, 2), (0.75, 3), (0.99, 100), (1.0, 100)]
        {
            assert_eq!(times.percentile(share), Duration::from_millis(expected), "{share}");
        }
        assert_eq!(times.over(Duration::from_millis(2)), 2);
    }

    #[test]
    fn a_missed_goal_is_reported_and_only_a_broken_promise_fails() {
        let mut report = Report::new("trial");
        report.figure("calls", count(1000));
        report.goal("longest", milliseconds(Duration::from_millis(5)), "at most 1 ms", false);
        let rows = "| calls | 1,000 |  |  |\n| longest | 5.0 ms | at most 1 ms | missed |\n";
        let line = "trial: calls 1,000; longest 5.0 ms";
        assert_eq!(report.to_string(), format!("{rows}{line}: ok\n"));
        report.broken("call 3 ended twice");
        assert!(!report.is_ok());
        let told = "FAILED: trial: call 3 ended twice\n";
        assert_eq!(report.to_string(), format!("{rows}{told}{line}: FAILED\n"));
    }
}
