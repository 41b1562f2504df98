//! The command line of the demo.

use std::ffi::OsString;
use std::path::PathBuf;

use examples::demo_folder::DemoFolder;

pub(crate) const HELP: &str = "\
Digests a folder in a child process, kills the child in the middle, starts it again, and finishes.

Usage: digest [--path DIR]

  --path DIR  the folder; by default /usr/share where there is one, otherwise the current folder
              without `target`
  -h, --help  this text

The last line is `digest HEX files N bytes N unreadable N`, where HEX is the output of:
  cd DIR && LC_ALL=C find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum

Ctrl-C cancels, and the exit code is 130 then; a second one does not wait for the child.
";

/// The folder, and the names left out of it.
#[derive(Debug, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) folder: PathBuf,
    pub(crate) without: Vec<OsString>,
}

impl Arguments {
    /// Parses the arguments; `None` if help was requested. The first word is the program's name.
    pub(crate) fn read(
        words: impl IntoIterator<Item = OsString>,
    ) -> Result<Option<Self>, lexopt::Error> {
        use lexopt::prelude::*;
        let mut parser = lexopt::Parser::from_iter(words);
        let mut folder = None;
        while let Some(word) = parser.next()? {
            match word {
                Long("path") => folder = Some(PathBuf::from(parser.value()?)),
                Short('h') | Long("help") => return Ok(None),
                _ => return Err(word.unexpected()),
            }
        }
        Ok(Some(folder.map_or_else(Self::default, |folder| Self { folder, without: Vec::new() })))
    }
}

impl Default for Arguments {
    fn default() -> Self {
        let DemoFolder { path: folder, without } = DemoFolder::default();
        Self { folder, without }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_parsed() {
        let folder = |folder: &str| Arguments { folder: folder.into(), without: Vec::new() };
        for (words, expected) in [
            (&[][..], Ok(Some(Arguments::default()))),
            (&["--path", "a b"], Ok(Some(folder("a b")))),
            (&["--path=-x"], Ok(Some(folder("-x")))),
            (&["-h"], Ok(None)),
            (&["--path", ".", "--help"], Ok(None)),
            (&["--path"], Err("missing argument for option '--path'")),
            (&["."], Err("unexpected argument \".\"")),
            (&["--pth", "."], Err("invalid option '--pth'")),
        ] {
            let words = [&["digest"][..], words].concat().into_iter().map(OsString::from);
            let read = Arguments::read(words).map_err(|error| error.to_string());
            assert_eq!(read.as_ref().map_err(String::as_str), expected.as_ref().map_err(|e| *e));
        }
    }
}
