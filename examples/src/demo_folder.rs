//! The folder that the demos digest if none is named.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A folder, and the names left out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoFolder {
    /// The folder.
    pub path: PathBuf,
    /// Names directly below it that are not digested.
    pub without: Vec<OsString>,
}

impl From<PathBuf> for DemoFolder {
    /// All of a named folder.
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
            // In a checkout, the build output is large and may still change.
            Self { path: PathBuf::from("."), without: vec!["target".into()] }
        }
    }
}
