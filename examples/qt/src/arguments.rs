//! The command line of the workbench.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use examples::demo_folder::DemoFolder;

/// What `--help` prints.
pub const HELP: &str = "\
A window with three child processes: one adds, one digests a folder, one watches the machine.

Usage: workbench [--path DIR] [--shot FILE.png]

  --path DIR       the folder to digest; by default /usr/share where there is one, otherwise the
                   current folder without `target`
  --shot FILE.png  run without a user: add, digest DIR, kill and restart the child meanwhile, save
                   a picture of the window, and quit
  -h, --help       this text

Without a display it runs without a user too, offscreen. The last line is then `digest HEX files N bytes
N unreadable N`, where HEX is the output of:
  cd DIR && LC_ALL=C find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum
";

/// Why the arguments are invalid.
#[derive(Debug)]
#[non_exhaustive]
pub enum ArgumentError {
    /// An unknown argument.
    Unknown(lexopt::Error),
    /// A path that is not UTF-8: the window can only show text.
    NoText(PathBuf),
}

/// The parsed command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// The folder to digest.
    pub folder: DemoFolder,
    /// Where to save the picture.
    pub shot: Option<PathBuf>,
}

impl Arguments {
    /// Parses the arguments; `None` if help was requested. The first word is the program's name.
    ///
    /// # Errors
    /// If an argument is unknown or a path is not UTF-8.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Option<Self>, ArgumentError> {
        use lexopt::prelude::*;
        let mut parser = lexopt::Parser::from_iter(words);
        let (mut folder, mut shot) = (None, None);
        while let Some(word) = parser.next()? {
            match word {
                Long("path") => folder = Some(text(parser.value()?.into())?),
                Long("shot") => shot = Some(text(parser.value()?.into())?),
                Short('h') | Long("help") => return Ok(None),
                _ => return Err(word.unexpected().into()),
            }
        }
        let folder = folder.map_or_else(DemoFolder::default, DemoFolder::from);
        Ok(Some(Self { folder, shot }))
    }
}

/// Checks that Qt can show the path and return it unchanged.
fn text(path: PathBuf) -> Result<PathBuf, ArgumentError> {
    if Path::to_str(&path).is_some() { Ok(path) } else { Err(ArgumentError::NoText(path)) }
}

impl From<lexopt::Error> for ArgumentError {
    fn from(error: lexopt::Error) -> Self {
        Self::Unknown(error)
    }
}

impl std::fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(error) => write!(f, "{error}; see `--help`"),
            Self::NoText(path) => {
                let path = path.display();
                write!(f, "the path {path} is not UTF-8; the console demo accepts such paths")
            }
        }
    }
}

impl std::error::Error for ArgumentError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_parsed() {
        let of = |folder: &str, shot: Option<&str>| Arguments {
            folder: PathBuf::from(folder).into(),
            shot: shot.map(Into::into),
        };
        let default = Arguments { folder: DemoFolder::default(), shot: None };
        for (words, expected) in [
            (&[][..], Ok(Some(default.clone()))),
            (&["--path", "a b"], Ok(Some(of("a b", None)))),
            (&["--path=-x", "--shot", "y.png"], Ok(Some(of("-x", Some("y.png"))))),
            (&["-h"], Ok(None)),
            (&["--path", ".", "--help"], Ok(None)),
            (&["--shot"], Err("missing argument for option '--shot'; see `--help`")),
            (&["."], Err("unexpected argument \".\"; see `--help`")),
        ] {
            let words = [&["workbench"][..], words].concat().into_iter().map(OsString::from);
            let read = Arguments::read(words).map_err(|error| error.to_string());
            assert_eq!(read.as_ref().map_err(String::as_str), expected.as_ref().map_err(|e| *e));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_utf_8_is_refused() {
        let path = std::os::unix::ffi::OsStringExt::from_vec(b"\xff".to_vec());
        let words = ["workbench".into(), "--path".into(), path];
        let error = Arguments::read(words).unwrap_err().to_string();
        assert!(error.contains("is not UTF-8"), "{error}");
    }
}
