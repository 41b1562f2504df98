//! The progress of a digest.

use super::table::{FileDigest, Reason};

/// The observer's argument. It does not contain the speed, since that depends on the period the
/// observer averages over.
///
/// The totals are final when the first file is [`Stage::Opening`], except for files whose size
/// turns out to differ from the listing. `bytes_done` is never more than `bytes_total`, and when
/// the last file is [`Stage::Done`] both pairs are equal.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The step that was just done or is about to be.
    pub stage: Stage,
    /// The current entry, relative to the folder: the bytes of its path, which need not be UTF-8.
    /// Empty for the folder itself.
    pub path: &'a [u8],
    /// Files that are done, including unreadable ones.
    pub files_done: u64,
    /// Files found so far.
    pub files_total: u64,
    /// Bytes read so far.
    pub bytes_done: u64,
    /// Bytes of all files found so far.
    pub bytes_total: u64,
    /// The file's digest, or why it could not be read; only when it is [`Stage::Done`].
    pub file: Option<Result<&'a FileDigest, &'a Reason>>,
}

/// The step of the work that is reported to the observer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// An entry of any kind was found; the totals still grow.
    Listing,
    /// The file is about to be opened.
    Opening,
    /// A block of the file was read.
    Reading,
    /// The file was read to its end, or could not be read.
    Done,
}

/// The counts behind [`Progress`].
#[derive(Default)]
pub(super) struct Tally {
    files_done: u64,
    files_total: u64,
    bytes_done: u64,
    /// Bytes of the files that have not begun, as listed.
    bytes_waiting: u64,
    /// Bytes of the current file that were listed but not read yet.
    bytes_left: u64,
}

impl Tally {
    pub(super) fn list(&mut self, size: u64) {
        self.files_total += 1;
        self.bytes_waiting += size;
    }

    pub(super) fn begin_file(&mut self, size: u64) {
        self.bytes_waiting -= size;
        self.bytes_left = size;
    }

    pub(super) fn read(&mut self, count: u64) {
        self.bytes_done += count;
        self.bytes_left = self.bytes_left.saturating_sub(count);
    }

    pub(super) fn end_file(&mut self) {
        self.files_done += 1;
        self.bytes_left = 0;
    }

    pub(super) fn progress<'a>(&self, stage: Stage, path: &'a [u8]) -> Progress<'a> {
        Progress {
            stage,
            path,
            files_done: self.files_done,
            files_total: self.files_total,
            bytes_done: self.bytes_done,
            bytes_total: self.bytes_done + self.bytes_left + self.bytes_waiting,
            file: None,
        }
    }

    /// Like [`progress`](Self::progress), for a file that is [`Stage::Done`].
    pub(super) fn done<'a>(
        &self,
        path: &'a [u8],
        file: Result<&'a FileDigest, &'a Reason>,
    ) -> Progress<'a> {
        Progress { file: Some(file), ..self.progress(Stage::Done, path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists files of the given sizes and reads from each the number of bytes given beside it.
    fn check(files: &[(u64, u64)], totals_after_each: &[u64]) {
        let mut tally = Tally::default();
        for (listed, _) in files {
            tally.list(*listed);
        }
        for ((listed, read), expected) in files.iter().zip(totals_after_each) {
            tally.begin_file(*listed);
            tally.read(*read);
            let progress = tally.progress(Stage::Reading, b"");
            assert!(progress.bytes_done <= progress.bytes_total, "{progress:?}");
            tally.end_file();
            assert_eq!(tally.progress(Stage::Done, b"").bytes_total, *expected);
        }
        let end = tally.progress(Stage::Done, b"");
        assert_eq!((end.files_done, end.bytes_done), (end.files_total, end.bytes_total));
    }

    #[test]
    fn the_totals_end_as_the_bytes_read() {
        check(&[], &[]);
        check(&[(5, 5), (0, 0), (7, 7)], &[12, 12, 12]);
        check(&[(5, 9), (7, 7)], &[16, 16]); // grew
        check(&[(5, 2), (7, 0)], &[9, 2]); // shrank, and could not be read
    }
}
