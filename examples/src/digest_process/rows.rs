//! Sends the table of files, some rows at a time.

use serde::{Deserialize, Serialize};

use crate::digest::{Progress, path_text};

/// The largest number of rows per message: a window shows them within a few milliseconds, and
/// thousands of small files are not thousands of messages.
const MANY: usize = 200;

/// One file that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRow {
    /// Relative to the folder, as one line that is safe to show.
    pub path: String,
    /// How many bytes were read; 0 if it could not be read to its end.
    pub size: u64,
    /// SHA-256 in lower-case hexadecimal; empty if it could not be read to its end.
    pub sha256: String,
    /// Why it could not be read to its end.
    pub problem: Option<String>,
}

/// Rows that were not sent yet.
#[derive(Debug, Default)]
pub(super) struct Rows {
    waiting: Vec<FileRow>,
}

impl Rows {
    /// Adds the file that is done, if there is one.
    pub(super) fn add(&mut self, progress: &Progress<'_>) {
        let Some(file) = progress.file else { return };
        let path = path_text(progress.path);
        self.waiting.push(match file {
            Ok(file) => {
                FileRow { path, size: file.size, sha256: file.sha256.clone(), problem: None }
            }
            Err(reason) => {
                FileRow { path, size: 0, sha256: String::new(), problem: Some(reason.to_string()) }
            }
        });
    }

    pub(super) fn are_many(&self) -> bool {
        self.waiting.len() >= MANY
    }

    pub(super) fn take(&mut self) -> Vec<FileRow> {
        std::mem::take(&mut self.waiting)
    }
}
