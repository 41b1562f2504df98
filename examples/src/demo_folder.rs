//! The folder that the demos digest when none is named.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Which folder, and what is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoFolder {
    /// The folder.
    pub path: PathBuf,
    /// Names directly below it that have no part in the digest.
    pub without: Vec<OsString>,
}

impl From<PathBuf> for DemoFolder {
    /// One that was named: all of it.
    fn from(path: PathBuf) -> Self {
        Self { path, without: Vec::new() }
    }
}

impl Default for DemoFolder {
    /// `/usr/share` where there is one, otherwise the current folder without `target`.
    fn default() -> Self {
        let share = Path::new("/usr/share");
        if share.is_dir() {
            share.to_owned().into()
        } else {
            // Of a checkout: what was built in it is large, and still changes.
            Self { path: PathBuf::from("."), without: vec!["target".into()] }
        }
    }
}
