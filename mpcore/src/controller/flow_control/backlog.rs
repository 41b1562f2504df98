//! How many captured lines may wait for the inbox's thread, and which are dropped. Pure.
//!
//! A child's output is a log: it must neither make the child wait, which would then hang in its own
//! `print`, nor fill the controller's memory. So lines beyond a bound are dropped and counted. Once
//! a backlog is full, it accepts nothing until it is half empty: a few large gaps instead of many
//! small ones. The gap is reported in its place: before the line that follows it.

/// The waiting lines of one stream.
#[derive(Debug)]
pub(crate) struct Backlog {
    bound: usize,
    bytes: usize,
    full: bool,
    dropped: u64,
}

/// What happens to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It is queued.
    Taken,
    /// It is only counted.
    Dropped,
}

impl Backlog {
    pub(crate) fn new(bound: usize) -> Self {
        Self { bound, bytes: 0, full: false, dropped: 0 }
    }

    /// Returns the cost of a waiting line of this length, including its overhead.
    fn cost(length: usize) -> usize {
        const ENTRY: usize = 128;
        ENTRY + length
    }

    /// Offers a new line.
    pub(crate) fn offer(&mut self, length: usize) -> Offered {
        self.full |= self.bytes + Self::cost(length) > self.bound;
        if self.full {
            self.dropped += 1;
            return Offered::Dropped;
        }
        self.bytes += Self::cost(length);
        Offered::Taken
    }

    /// Removes a line that no longer waits. Returns the number of dropped lines, if it has to be
    /// reported now because the next line will be accepted.
    pub(crate) fn taken_out(&mut self, length: usize) -> Option<u64> {
        self.bytes = self.bytes.saturating_sub(Self::cost(length));
        if self.full && self.bytes <= self.bound / 2 {
            self.full = false;
            return self.untold();
        }
        None
    }

    /// Returns how many lines were dropped since the last report.
    pub(crate) fn untold(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.dropped)).filter(|dropped| *dropped > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_full_backlog_takes_nothing_until_it_is_half_empty() {
        let mut backlog = Backlog::new(4 * 228);
        let offered: Vec<_> = (0..6).map(|_| backlog.offer(100)).collect();
        assert_eq!(offered[..4], [Offered::Taken; 4]);
        assert_eq!(offered[4..], [Offered::Dropped; 2]);
        assert_eq!(backlog.taken_out(100), None);
        assert_eq!(backlog.offer(100), Offered::Dropped, "three of four wait");
        assert_eq!(backlog.taken_out(100), Some(3));
        assert_eq!(backlog.offer(100), Offered::Taken);
        assert_eq!((backlog.bytes, backlog.untold()), (3 * 228, None));
    }

    #[test]
    fn the_last_gap_is_reported_at_the_end() {
        let mut backlog = Backlog::new(200);
        assert_eq!(backlog.offer(10), Offered::Taken);
        assert_eq!(backlog.offer(200), Offered::Dropped);
        assert_eq!(backlog.untold(), Some(1));
        assert_eq!(backlog.untold(), None);
    }

    #[test]
    fn a_line_that_never_fits_is_dropped_and_the_next_one_is_not() {
        let mut backlog = Backlog::new(1000);
        assert_eq!(backlog.offer(10), Offered::Taken);
        assert_eq!(backlog.offer(2000), Offered::Dropped);
        assert_eq!(backlog.taken_out(10), Some(1));
        assert_eq!(backlog.offer(10), Offered::Taken);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Line(usize),
        Deliver,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![3 => (0..300_usize).prop_map(Step::Line), 2 => Just(Step::Deliver)];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        /// Each line is delivered or in a gap, which is reported once and in its place; the bound
        /// holds; an empty backlog accepts what fits.
        #[test]
        fn nothing_is_lost_uncounted(steps in steps()) {
            const BOUND: usize = 2000;
            let mut backlog = Backlog::new(BOUND);
            // The entries in the inbox: a line with its number and length, or a gap.
            let mut waiting = VecDeque::new();
            let (mut heard, mut next) = (0_u64, 0_u64);
            let mut hear = |entry: Result<(u64, usize), u64>| match entry {
                Ok((number, _)) => {
                    prop_assert_eq!(number, heard, "in its place");
                    heard += 1;
                    Ok(())
                }
                Err(gap) => {
                    heard += gap;
                    Ok(())
                }
            };
            let deliver = |backlog: &mut Backlog, waiting: &mut VecDeque<_>| {
                let entry = waiting.pop_front();
                if let Some(Ok((_, length))) = entry
                    && let Some(gap) = backlog.taken_out(length)
                {
                    waiting.push_back(Err(gap));
                }
                entry
            };
            for step in steps {
                match step {
                    Step::Line(length) => {
                        let was_empty = backlog.bytes == 0;
                        match backlog.offer(length) {
                            Offered::Taken => waiting.push_back(Ok((next, length))),
                            Offered::Dropped => prop_assert!(!was_empty),
                        }
                        next += 1;
                    }
                    Step::Deliver => {
                        if let Some(entry) = deliver(&mut backlog, &mut waiting) {
                            hear(entry)?;
                        }
                    }
                }
                let bytes: usize = waiting.iter().flatten().map(|it| Backlog::cost(it.1)).sum();
                prop_assert!(bytes <= BOUND);
            }
            if let Some(gap) = backlog.untold() {
                waiting.push_back(Err(gap));
            }
            while let Some(entry) = deliver(&mut backlog, &mut waiting) {
                hear(entry)?;
            }
            prop_assert_eq!(heard, next);
        }
    }
}
