//! The result: the table of files, and a summary without the table, which travels between
//! processes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::path_text::path_text;

/// The files found and read below one folder.
///
/// Displayed as one line: `digest <hex> files <n> bytes <n> unreadable <n>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderDigest {
    /// SHA-256 of the lines `sha256sum` prints for `files`, in lower-case hexadecimal.
    pub sha256: String,
    /// The files that were read, in the order of their paths' bytes.
    pub files: Vec<FileDigest>,
    /// The sum of their sizes.
    pub bytes: u64,
    /// What could not be read and is not part of `sha256`: folders first, then files.
    pub unreadable: Vec<Unreadable>,
}

/// A [`FolderDigest`] without its files, of which there may be hundreds of thousands.
///
/// Displayed as the same line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderSummary {
    /// Like that of [`FolderDigest`].
    pub sha256: String,
    /// How many files were read.
    pub files: u64,
    /// The sum of their sizes.
    pub bytes: u64,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// One file that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    /// Relative to the folder; bytes, since a name need not be UTF-8.
    pub path: Vec<u8>,
    /// How many bytes were read.
    pub size: u64,
    /// SHA-256 of them, in lower-case hexadecimal.
    pub sha256: String,
}

/// A file that could not be read, or a folder that could not be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Relative to the folder; bytes, since a name need not be UTF-8. Empty for the folder itself.
    pub path: Vec<u8>,
    /// What it is.
    pub item: Item,
    /// Why it could not be read.
    pub reason: Reason,
}

/// The kind of an [`Unreadable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    /// A file that was listed and then could not be read to its end.
    File,
    /// A folder whose content is missing from the list, wholly or partly; on file systems that do
    /// not report the type of an entry, also an entry that could not be examined.
    Folder,
}

/// Why a file or folder could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// It existed when it was listed and was gone when its turn came.
    Vanished,
    /// It was a regular file when it was listed and something else when its turn came.
    Replaced,
    /// The system's error text.
    Failed(String),
}

impl FolderDigest {
    /// How many files, not counting folders, could not be read.
    #[must_use]
    pub fn unreadable_files(&self) -> usize {
        self.unreadable.iter().filter(|entry| entry.item == Item::File).count()
    }
}

impl From<FolderDigest> for FolderSummary {
    fn from(digest: FolderDigest) -> Self {
        let FolderDigest { sha256, files, bytes, unreadable } = digest;
        Self { sha256, files: files.len() as u64, bytes, unreadable }
    }
}

impl fmt::Display for FolderDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FolderDigest { sha256, files, bytes, unreadable } = self;
        write_line(f, sha256, files.len() as u64, *bytes, unreadable.len())
    }
}

impl fmt::Display for FolderSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FolderSummary { sha256, files, bytes, unreadable } = self;
        write_line(f, sha256, *files, *bytes, unreadable.len())
    }
}

fn write_line(
    f: &mut fmt::Formatter<'_>,
    sha256: &str,
    files: u64,
    bytes: u64,
    unreadable: usize,
) -> fmt::Result {
    write!(f, "digest {sha256} files {files} bytes {bytes} unreadable {unreadable}")
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "./{}: {}", path_text(&self.path), self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Vanished => f.write_str("vanished before it was read"),
            Reason::Replaced => f.write_str("is no longer a regular file"),
            Reason::Failed(words) => f.write_str(words),
        }
    }
}
