//! How many captured lines may wait for the inbox's thread, and which are dropped. Pure.
//!
//! What a child prints is a log: it must neither make the child wait, which would hang at its own `print`,
//! nor fill the controller's memory. So beyond a bound lines are dropped, and counted. Once it is full, a
//! backlog takes nothing more until it is half empty: a few large gaps instead of many small ones. The
//! gap is told where it is: before the line that follows it.

/// The waiting lines of one stream.
#[derive(Debug)]
pub(crate) struct Backlog {
    bound: usize,
    bytes: usize,
    full: bool,
    dropped: u64,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It waits.
    Taken,
    /// It is counted, and no more.
    Dropped,
}

impl Backlog {
    pub(crate) fn new(bound: usize) -> Self {
        Self { bound, bytes: 0, full: false, dropped: 0 }
    }

    /// What a waiting line of this length costs, what stands around it included.
    fn cost(length: usize) -> usize {
        const ENTRY: usize = 128;
        ENTRY + length
    }

    /// A line has come.
    pub(crate) fn offer(&mut self, length: usize) -> Offered {
        self.full |= self.bytes + Self::cost(length) > self.bound;
        if self.full {
            self.dropped += 1;
            return Offered::Dropped;
        }
        self.bytes += Self::cost(length);
        Offered::Taken
    }

    /// A line waits no more. Returns how many were dropped, if that is to be told now: the next line will be
    /// taken.
    pub(crate) fn taken_out(&mut self, length: usize) -> Option<u64> {
        self.bytes = self.bytes.saturating_sub(Self::cost(length));
        if self.full && self.bytes <= self.bound / 2 {
            self.full = false;
            return self.untold();
        }
        None
    }

    /// How many were dropped since that was last told.
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
        /// Each line is delivered or in a gap, told once, in its place; the bound holds; an empty backlog
        /// takes what fits.
        #[test]
        fn nothing_is_lost_uncounted(steps in steps()) {
            const BOUND: usize = 2000;
            let mut backlog = Backlog::new(BOUND);
            // What waits in the inbox: a line by its number and length, or a gap.
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
