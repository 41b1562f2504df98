//! Splits the output of a child into lines, whatever pieces it arrives in, and keeps the last
//! lines. Pure.

use std::collections::VecDeque;

/// Splits bytes into lines, with a bound on what is kept but none on what arrives.
///
/// A line ends with `\n` or `\r\n`, which are not part of it. Invalid UTF-8 is replaced; a line
/// longer than the bound is cut, with a mark that gives the number of missing bytes.
#[derive(Debug)]
pub(crate) struct Lines {
    longest: usize,
    unfinished: Vec<u8>,
    /// Bytes of the unfinished line that were dropped.
    cut: usize,
    last: Option<u8>,
}

impl Lines {
    /// Creates a splitter for lines of at most this many bytes, not counting the mark.
    pub(crate) fn new(longest: usize) -> Self {
        Self { longest, unfinished: Vec::new(), cut: 0, last: None }
    }

    /// Takes the next bytes, and calls `line` for each line that they end.
    pub(crate) fn push(&mut self, bytes: &[u8], mut line: impl FnMut(String)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.split_last() {
                Some((b'\n', text)) => {
                    self.keep(text);
                    if self.last == Some(b'\r') {
                        self.forget_one();
                    }
                    line(self.finish());
                }
                _ => self.keep(piece),
            }
        }
    }

    /// Ends the stream: the remaining bytes are a line as well.
    pub(crate) fn end(&mut self, mut line: impl FnMut(String)) {
        if self.last.is_some() {
            line(self.finish());
        }
    }

    /// Adds bytes to the unfinished line, up to its bound.
    fn keep(&mut self, text: &[u8]) {
        let kept = text.len().min(self.longest - self.unfinished.len());
        self.unfinished.extend_from_slice(&text[..kept]);
        self.cut += text.len() - kept;
        self.last = text.last().copied().or(self.last);
    }

    /// Removes the last byte, which belongs to the end of the line.
    fn forget_one(&mut self) {
        match self.cut.checked_sub(1) {
            Some(fewer) => self.cut = fewer,
            None => drop(self.unfinished.pop()),
        }
    }

    fn finish(&mut self) -> String {
        self.last = None;
        let (cut, bytes) = (std::mem::take(&mut self.cut), std::mem::take(&mut self.unfinished));
        text(bytes, cut)
    }
}

/// Returns the text of a line of which `cut` more bytes are missing.
fn text(mut bytes: Vec<u8>, mut cut: usize) -> String {
    // Half a character at the cut is not the child's fault.
    if cut > 0
        && let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        cut += bytes.len() - error.valid_up_to();
        bytes.truncate(error.valid_up_to());
    }
    let mut line = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    if cut > 0 {
        line.push_str(&format!("… [{cut} more bytes]"));
    }
    line
}

/// The last lines of a stream.
#[derive(Debug)]
pub(crate) struct Tail {
    most: usize,
    longest: usize,
    lines: VecDeque<String>,
}

impl Tail {
    /// Keeps at most this many lines, of at most this many bytes.
    pub(crate) fn new(most: usize, longest: usize) -> Self {
        Self { most, longest, lines: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, line: &str) {
        if self.lines.len() == self.most {
            self.lines.pop_front();
        }
        let most = line.len().min(self.longest);
        let kept = (0..=most).rev().find(|at| line.is_char_boundary(*at)).unwrap_or_default();
        self.lines.push_back(text(line.as_bytes()[..kept].to_vec(), line.len() - kept));
    }

    pub(crate) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(longest: usize, chunks: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut told) = (Lines::new(longest), Vec::new());
        for chunk in chunks {
            lines.push(chunk, |line| told.push(line));
        }
        lines.end(|line| told.push(line));
        told
    }

    #[test]
    fn a_line_is_what_stands_between_its_ends() {
        let cases: [(&[u8], &[&str]); 12] = [
            (b"", &[]),
            (b"\n", &[""]),
            (b"one", &["one"]),
            (b"one\n", &["one"]),
            (b"one\ntwo", &["one", "two"]),
            (b"\n\none\n\n", &["", "", "one", ""]),
            (b"one\r\ntwo\r\n", &["one", "two"]),
            (b"a\rb\r\r\n", &["a\rb\r"]),
            (b"\r\n", &[""]),
            (b"\r", &["\r"]),
            (b"a\xFFb\n\xC3\n", &["a\u{FFFD}b", "\u{FFFD}"]),
            ("grün\n".as_bytes(), &["grün"]),
        ];
        for (bytes, expected) in cases {
            assert_eq!(lines(100, &[bytes]), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_long_line_is_cut_with_a_mark_between_characters() {
        let cases: [(&str, &str); 6] = [
            ("12345678\n", "12345678"),
            ("12345678\r\n", "12345678"),
            ("123456789\n", "12345678… [1 more bytes]"),
            ("1234567890\r\n", "12345678… [2 more bytes]"),
            ("1234567ü\n", "1234567… [2 more bytes]"),
            ("123456789", "12345678… [1 more bytes]"),
        ];
        for (text, expected) in cases {
            assert_eq!(lines(8, &[text.as_bytes()]), [expected], "{text:?}");
        }
        let next = lines(8, &[b"123456789\nshort\n"]);
        assert_eq!(next[1], "short", "only the long line is cut");
    }

    #[test]
    fn the_last_lines_are_kept_and_cut_once_more() {
        let mut tail = Tail::new(3, 8);
        for line in ["one", "two", "1234567ü", "four", "five"] {
            tail.push(line);
        }
        assert_eq!(tail.take(), ["1234567… [2 more bytes]", "four", "five"]);
        assert!(tail.take().is_empty());
    }

    proptest! {
        #[test]
        fn it_does_not_matter_in_which_pieces_bytes_arrive(
            bytes in prop::collection::vec(prop::sample::select(b"ab\r\n\xC3\xBC\xFF".to_vec()), 0..60),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let chunks: Vec<_> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(lines(6, &chunks), lines(6, &[&bytes]));
            let kept: usize = lines(6, &chunks).iter().map(|line| line.chars().count()).max().unwrap_or(0);
            prop_assert!(kept <= 6 + "… [99 more bytes]".chars().count());
        }
    }
}
