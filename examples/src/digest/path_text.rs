//! Formats a path's bytes for people to read.

use std::fmt::Write as _;

/// Returns the path as text that fits one line and cannot control a terminal: control characters
/// are written as escapes (`\n`, `\u{1b}`), bytes that are not UTF-8 as `\xff`. Everything else is
/// unchanged, so the text is for display and cannot be parsed back.
///
/// ```
/// use examples::digest::path_text;
///
/// assert_eq!(path_text("naïve name".as_bytes()), "naïve name");
/// assert_eq!(path_text(b"two\nlines and \xff"), r"two\nlines and \xff");
/// ```
pub fn path_text(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for char in chunk.valid().chars() {
            if char.is_control() {
                text.extend(char.escape_default());
            } else {
                text.push(char);
            }
        }
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").expect("a string takes everything");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_harmless_line() {
        let cases: &[(&[u8], &str)] = &[
            (b"", ""),
            (b"a b/c", "a b/c"),
            ("grün/日本".as_bytes(), "grün/日本"),
            (b"a\r\n\t", "a\\r\\n\\t"),
            (b"\x1b[31m", "\\u{1b}[31m"),
            (b"a\xff\xfeb\xc3", "a\\xff\\xfeb\\xc3"),
        ];
        for (path, expected) in cases {
            assert_eq!(path_text(path), *expected);
        }
    }
}
