//! A child's command line: how it detects that it is a child, its name, and the user's arguments.
//! [`around`] is how a controller writes it.
//!
//! `program --mpcore-child NAME ARGUMENTS…`; in a test binary, whose own arguments come first,
//! `test mpcore_child … -- ARGUMENTS… --mpcore-child=NAME`. libtest treats these arguments as names
//! of tests, so the child's name is only a part of one that names no test.

use std::ffi::{OsStr, OsString};

use crate::wire::messages::handshake::MARK;

/// The arguments of a process, without the program's own name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CommandLine {
    Child { name: OsString, rest: Vec<OsString> },
    Other(Vec<OsString>),
}

impl CommandLine {
    pub(crate) fn of_this_process() -> Self {
        Self::of(std::env::args_os().skip(1).collect())
    }

    fn of(mut arguments: Vec<OsString>) -> Self {
        if arguments.first().is_some_and(|first| first == MARK) {
            let mut rest = arguments.split_off(1);
            let name = if rest.is_empty() { OsString::new() } else { rest.remove(0) };
            return Self::Child { name, rest };
        }
        let in_test = arguments.last().and_then(|last| in_test(last));
        match (in_test, arguments.iter().position(|it| it == "--")) {
            (Some(name), Some(at)) => {
                arguments.pop();
                Self::Child { name, rest: arguments.split_off(at + 1) }
            }
            _ => Self::Other(arguments),
        }
    }

    pub(crate) fn is_of_child(&self) -> bool {
        matches!(self, Self::Child { .. })
    }
}

/// Returns the child's name, if this is the last argument of a child in a test binary.
fn in_test(last: &OsStr) -> Option<OsString> {
    Some(OsString::from(last.to_str()?.strip_prefix(MARK)?.strip_prefix('=')?))
}

/// Returns the arguments before and after a child's own arguments.
pub(crate) fn around(name: &str, in_test: bool) -> (Vec<OsString>, Option<OsString>) {
    // An argument cannot contain a NUL.
    let name = name.replace('\0', "");
    match in_test {
        true => (Vec::new(), Some(format!("{MARK}={name}").into())),
        false => (vec![MARK.into(), name.into()], None),
    }
}

/// Returns the arguments of this program without those of mpcore: in a child those of
/// [`ControlBuilder::arg`](crate::ControlBuilder::arg), in every other process all of them. The program's name is
/// not included.
///
/// A child is started as `program --mpcore-child NAME ARGUMENTS…`, so a parser of
/// [`std::env::args`] would fail there.
///
/// ```
/// let verbose = mpcore::args().any(|argument| argument == "--verbose");
/// # let _ = verbose;
/// ```
pub fn args() -> impl Iterator<Item = OsString> {
    match CommandLine::of_this_process() {
        CommandLine::Child { rest, .. } | CommandLine::Other(rest) => rest.into_iter(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(line: &[&str]) -> Vec<OsString> {
        line.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_command_line_is_that_of_a_child_or_not() {
        let child =
            |name: &str, rest: &[&str]| CommandLine::Child { name: name.into(), rest: all(rest) };
        let test = ["mpcore_child", "--exact", "--"];
        for (line, expected) in [
            (&[MARK, "camera", "--port", "COM3"][..], child("camera", &["--port", "COM3"])),
            (&[MARK, MARK, "--"], child(MARK, &["--"])),
            (&[MARK], child("", &[])),
            (&[test[0], test[1], test[2], "--mpcore-child=stage"], child("stage", &[])),
            (&[test[0], test[2], "-v", "--", "--mpcore-child=a=b"], child("a=b", &["-v", "--"])),
        ] {
            assert_eq!(CommandLine::of(all(line)), expected, "{line:?}");
        }
        let others = [&[][..], &["--port", MARK], &["--mpcore-child=stage"], &["--", MARK], &test];
        for line in others {
            assert_eq!(CommandLine::of(all(line)), CommandLine::Other(all(line)), "{line:?}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for in_test in [false, true] {
            let (before, behind) = around("left\0 stage", in_test);
            let test = if in_test { all(&["x", "--"]) } else { Vec::new() };
            let rest = all(&["--port", "COM3"]);
            let line = [test, before, rest.clone(), behind.into_iter().collect()].concat();
            let expected = CommandLine::Child { name: "left stage".into(), rest };
            assert_eq!(CommandLine::of(line), expected);
        }
    }
}
