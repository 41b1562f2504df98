//! The values that a type's requests are answered with.

/// How many values are tried if a type refuses what it got. The n-th try answers every number with
/// `NUMBERS[n]`, every string with `TEXTS[n]`, and bytes with `LENGTHS[n]` bytes.
pub(crate) const TRIES: usize = 20;

/// Two tries that count instead, for types that require ordered numbers.
const UPWARDS: usize = 2;
const DOWNWARDS: usize = 3;

const NUMBERS: [i64; TRIES] =
    [0, 1, 0, 100, 2, 3, 4, 5, 7, 8, 10, 12, 16, 24, 32, 60, 100, 127, 1000, -1];
const LENGTHS: [usize; TRIES] =
    [0, 16, 1, 4, 8, 32, 12, 20, 2, 3, 6, 24, 28, 48, 64, 5, 7, 10, 15, 33];
const TEXTS: [&str; TRIES] = [
    "",
    "a",
    "0",
    "1",
    "1.0.0",
    "127.0.0.1",
    "127.0.0.1:1",
    "::1",
    "127.0.0.0/8",
    "http://a.a/",
    "a@a.a",
    "1970-01-01",
    "00:00:00",
    "1970-01-01T00:00:00",
    "1970-01-01T00:00:00Z",
    "00000000-0000-4000-8000-000000000000",
    "00:00:00:00:00:00",
    "#000000",
    "/a",
    "1s",
];
const BYTES: &[u8] = &[b'a'; 64];

/// The values that are in use.
#[derive(Clone, Copy, Default)]
pub(crate) struct MadeUp {
    /// Less than [`TRIES`].
    pub(crate) choice: usize,
    count: i64,
}

impl MadeUp {
    pub(crate) fn number(&mut self) -> i64 {
        self.count += 1;
        match self.choice {
            UPWARDS => NUMBERS[UPWARDS] + self.count,
            DOWNWARDS => NUMBERS[DOWNWARDS] - self.count,
            choice => NUMBERS[choice],
        }
    }

    pub(crate) fn bool(&self) -> bool {
        self.choice % 2 == 1
    }

    pub(crate) fn char(&self) -> char {
        self.text().chars().next().unwrap_or('a')
    }

    pub(crate) fn text(&self) -> &'static str {
        TEXTS[self.choice]
    }

    pub(crate) fn bytes(&self) -> &'static [u8] {
        &BYTES[..LENGTHS[self.choice]]
    }

    /// Returns how many elements a non-empty sequence gets.
    pub(crate) fn elements(&self) -> usize {
        self.choice.clamp(1, 4)
    }
}
