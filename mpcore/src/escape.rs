//! Escapes a child's texts inside our own texts, so that they are shown and have no effect.
//!
//! A terminal obeys what is written to it: an escape sequence in a panic message could clear the
//! screen, change the window's title or hide lines of a log. So everything that comes from a child
//! is written with its control characters escaped; line ends and tabs stay. The fields themselves
//! keep the text as the child sent it.

use std::fmt::{self, Display, Write as _};

/// Shows `T` without control characters.
pub(crate) struct Escaped<'a, T: ?Sized>(&'a T);

pub(crate) fn escaped<T: Display + ?Sized>(text: &T) -> Escaped<'_, T> {
    Escaped(text)
}

impl<T: Display + ?Sized> Display for Escaped<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alternate = f.alternate();
        let mut out = Escaping(f);
        if alternate { write!(out, "{:#}", self.0) } else { write!(out, "{}", self.0) }
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let acts = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
        let mut rest = text;
        while let Some(at) = rest.find(acts) {
            self.0.write_str(&rest[..at])?;
            let mut characters = rest[at..].chars();
            if let Some(character) = characters.next() {
                write!(self.0, "{}", character.escape_default())?;
            }
            rest = characters.as_str();
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_do_not_act() {
        let cases = [
            ("plain, umlaut ü, 日本", "plain, umlaut ü, 日本"),
            ("two\nlines\tand a tab", "two\nlines\tand a tab"),
            ("\u{1b}[2J\u{1b}]0;owned\u{7}", "\\u{1b}[2J\\u{1b}]0;owned\\u{7}"),
            ("over\rwritten\u{8}", "over\\rwritten\\u{8}"),
            ("\u{9b}31m\u{7f}\0", "\\u{9b}31m\\u{7f}\\u{0}"),
            ("", ""),
        ];
        for (raw, shown) in cases {
            assert_eq!(escaped(raw).to_string(), shown);
            assert_eq!(escaped(shown).to_string(), shown, "escaping twice changes nothing");
        }
    }
}
