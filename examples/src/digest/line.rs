//! One line of `sha256sum`: the digest of a folder is the digest of these lines.

/// Returns the line for one file, with its line ending. `path` is relative to the folder; the line
/// has it as `find .` writes it, with `./` in front.
///
/// A backslash, newline or carriage return in the name is written as `\\`, `\n`, `\r`, and a line
/// with any of them begins with a backslash, so that names cannot fake lines. Everything else is
/// the name's own bytes, whether they are text or not.
pub(super) fn line(sha256: &str, path: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(sha256.len() + path.len() + 8);
    if path.iter().any(|&byte| escaped(byte).is_some()) {
        line.push(b'\\');
    }
    line.extend_from_slice(sha256.as_bytes());
    line.extend_from_slice(b"  ./");
    for &byte in path {
        match escaped(byte) {
            Some(letter) => line.extend_from_slice(&[b'\\', letter]),
            None => line.push(byte),
        }
    }
    line.push(b'\n');
    line
}

fn escaped(byte: u8) -> Option<u8> {
    match byte {
        b'\\' => Some(b'\\'),
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_coreutils_does() {
        let cases: &[(&[u8], &[u8])] = &[
            (b"plain", b"00  ./plain\n"),
            (b"with space", b"00  ./with space\n"),
            (b"sub/dir/file", b"00  ./sub/dir/file\n"),
            (b"new\nline", b"\\00  ./new\\nline\n"),
            (b"carriage\rreturn", b"\\00  ./carriage\\rreturn\n"),
            (b"back\\slash", b"\\00  ./back\\\\slash\n"),
            (b"back\\n", b"\\00  ./back\\\\n\n"),
            (b"\\\n\r", b"\\00  ./\\\\\\n\\r\n"),
            (b"tab\t\x01\x7f", b"00  ./tab\t\x01\x7f\n"),
            (b"\xff\xfe", b"00  ./\xff\xfe\n"),
            ("ü".as_bytes(), b"00  ./\xc3\xbc\n"),
        ];
        for (path, expected) in cases {
            assert_eq!(
                line("00", path).escape_ascii().to_string(),
                expected.escape_ascii().to_string()
            );
        }
    }
}
