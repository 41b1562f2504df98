//! The work of the console demo: one digest for a whole folder.
//!
//! This module does not depend on child processes. A child calls [`digest_folder`] from its
//! command, and its observer forwards the progress and checks whether the command was cancelled;
//! the test calls it in its own process. Everything runs in the caller's thread.
//!
//! # The contract
//!
//! The digest is byte for byte the output of coreutils (9.0 or later, where a carriage return in a
//! name is escaped too) and findutils:
//!
//! ```sh
//! cd DIR && LC_ALL=C find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum
//! ```
//!
//! * Regular files only. Symbolic links below the folder are not followed, and broken ones need no
//!   special treatment; the folder itself may be named through a link, as for `cd`.
//! * The order is that of the bytes of the whole path, so `a-b` comes before `a/b`.
//! * A file that cannot be read, or is gone when its turn comes, has no line in the digest; it is
//!   listed in [`FolderDigest::unreadable`], and so is a folder that cannot be listed.
//! * An empty folder has the digest of no bytes at all.
//!
//! # Absent on purpose
//!
//! * Reading several files at once: the order of the progress would be random.
//! * Changing into the folder, which would change it for all threads of the process. So a path is
//!   too long for the system if it is too long together with the folder's own path, a little
//!   earlier than for the commands above; such files are listed as unreadable.
//! * Waiting for content: files are opened so that a read never waits for a writer, as it would
//!   forever in a pipe or in some files of `/proc`.

mod line;
mod list;
mod path_text;
mod progress;
mod table;

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

pub use path_text::path_text;
pub use progress::{Progress, Stage};
pub use table::{FileDigest, FolderDigest, FolderSummary, Item, Reason, Unreadable};

use list::{Found, list_files};
use progress::Tally;

/// How much is read at once, and so how often the observer is called for a large file: about every
/// millisecond, often enough for a prompt cancel and rarely enough to cost nothing.
const BLOCK: usize = 1 << 20;

/// The folder itself could not be entered, so there is nothing to digest.
#[derive(Debug, thiserror::Error)]
#[error("could not enter the folder {}; name one that exists and that this user may open", path.display())]
#[non_exhaustive]
pub struct FolderError {
    /// The folder, as it was named.
    pub path: PathBuf,
    /// The system's error.
    pub source: io::Error,
}

/// Digests every regular file below `folder`.
///
/// `observer` is called for every entry found, then for every file before it is opened, after each
/// block of at most 1 MiB, and when the file is done: often, so it should be quick (update a
/// display every tenth of a second, not on every call). Its first error ends the work immediately
/// and is returned unchanged: that is how a digest is cancelled.
///
/// # Errors
///
/// The observer's own, and [`FolderError`] in the observer's type. Errors of a single file are not
/// returned.
///
/// # Examples
///
/// ```
/// use examples::digest::{FolderError, digest_folder};
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("greeting"), "hello\n")?;
///
/// let digest = digest_folder(folder.path(), |progress| {
///     println!("{} of {} files", progress.files_done, progress.files_total);
///     Ok::<(), FolderError>(()) // or an error, to cancel
/// })?;
///
/// assert_eq!(digest.files[0].path, b"greeting");
/// assert_eq!(digest.bytes, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn digest_folder<E: From<FolderError>>(
    folder: &Path,
    observer: impl FnMut(&Progress<'_>) -> Result<(), E>,
) -> Result<FolderDigest, E> {
    digest_folder_without(folder, &[], observer)
}

/// Like [`digest_folder`], but ignores the entries directly in `folder` whose names are in
/// `without`; further down such names are not special. With `find` that is `-path ./NAME -prune -o`
/// before `-type f`.
///
/// # Errors
///
/// Those of [`digest_folder`].
pub fn digest_folder_without<E: From<FolderError>>(
    folder: &Path,
    without: &[OsString],
    mut observer: impl FnMut(&Progress<'_>) -> Result<(), E>,
) -> Result<FolderDigest, E> {
    let folder = enter(folder)?;
    let mut tally = Tally::default();
    let (found, mut unreadable) = list_files(&folder, without, &mut tally, &mut observer)?;

    let mut files = Vec::with_capacity(found.len());
    let mut lines = Sha256::new();
    let mut bytes = 0;
    let mut block = vec![0; BLOCK];
    for Found { path, on_disk, size } in found {
        observer(&tally.progress(Stage::Opening, &path))?;
        tally.begin_file(size);
        let read = read_file(&on_disk, &mut block, |count| {
            tally.read(count);
            observer(&tally.progress(Stage::Reading, &path))
        });
        tally.end_file();
        match read? {
            Ok((sha256, size)) => {
                lines.update(line::line(&sha256, &path));
                bytes += size;
                let file = FileDigest { path, size, sha256 };
                observer(&tally.done(&file.path, Ok(&file)))?;
                files.push(file);
            }
            Err(reason) => {
                observer(&tally.done(&path, Err(&reason)))?;
                unreadable.push(Unreadable { path, item: Item::File, reason });
            }
        }
    }
    Ok(FolderDigest { sha256: hex(&lines.finalize()), files, bytes, unreadable })
}

/// Returns the folder with a `.` appended if this user may enter it: what `cd` checks, which is not
/// the same as whether it can be listed.
fn enter(folder: &Path) -> Result<PathBuf, FolderError> {
    let inside = folder.join(".");
    match inside.metadata() {
        Ok(_) => Ok(inside),
        Err(source) => Err(FolderError { path: folder.to_owned(), source }),
    }
}

/// Returns hash and size of one file, or why it could not be read; the outer error is the
/// observer's.
fn read_file<E>(
    file: &Path,
    block: &mut [u8],
    mut observer: impl FnMut(u64) -> Result<(), E>,
) -> Result<Result<(String, u64), Reason>, E> {
    let mut file = match open_regular(file) {
        Ok(file) => file,
        Err(reason) => return Ok(Err(reason)),
    };
    let mut hash = Sha256::new();
    let mut size = 0;
    loop {
        match file.read(block) {
            Ok(0) => return Ok(Ok((hex(&hash.finalize()), size))),
            Ok(count) => {
                hash.update(&block[..count]);
                size += count as u64;
                observer(count as u64)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Err(Reason::Failed(error.to_string()))),
        }
    }
}

fn open_regular(path: &Path) -> Result<File, Reason> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Since the listing a file may have become a pipe, and opening a pipe waits for a writer; where
    // reading would wait, an error is better than a digest that cannot be cancelled. For regular
    // files this flag does nothing.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    let file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Reason::Vanished,
        _ => Reason::Failed(error.to_string()),
    })?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        Ok(_) => Err(Reason::Replaced),
        Err(error) => Err(Reason::Failed(error.to_string())),
    }
}

fn hex(hash: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    hash.iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest of no bytes: of an empty folder, or of only unreadable files.
    const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[derive(Debug)]
    enum Stopped {
        Cancelled,
        Folder(FolderError),
    }

    impl From<FolderError> for Stopped {
        fn from(error: FolderError) -> Self {
            Stopped::Folder(error)
        }
    }

    #[test]
    fn an_empty_folder_has_the_digest_of_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let digest = digest_folder(folder.path(), |_| Ok::<_, FolderError>(())).unwrap();
        assert_eq!(digest.to_string(), format!("digest {NOTHING} files 0 bytes 0 unreadable 0"));
    }

    #[test]
    fn a_path_that_is_not_a_folder_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        for (path, kind) in [
            (folder.path().join("missing"), io::ErrorKind::NotFound),
            (file, io::ErrorKind::NotADirectory),
        ] {
            match digest_folder(&path, |_| Ok::<_, Stopped>(())) {
                Err(Stopped::Folder(error)) => {
                    assert_eq!(error.source.kind(), kind);
                    assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
                }
                other => panic!("{}: {other:?}", path.display()),
            }
        }
    }

    #[test]
    fn the_observer_sees_every_step_and_the_totals_agree() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("large"), vec![7; 2 * BLOCK + 1]).unwrap();
        std::fs::write(folder.path().join("none"), "").unwrap();
        let mut seen = Vec::new();
        digest_folder(folder.path(), |progress| {
            if progress.stage != Stage::Listing {
                assert_eq!((progress.files_total, progress.bytes_total), (2, 2 * BLOCK as u64 + 1));
                let path = String::from_utf8(progress.path.to_owned()).unwrap();
                let file = progress.file.map(|file| file.unwrap().path.as_slice());
                assert_eq!(file, (progress.stage == Stage::Done).then_some(progress.path));
                seen.push((progress.stage, path, progress.files_done, progress.bytes_done));
            }
            Ok::<_, FolderError>(())
        })
        .unwrap();

        let block = BLOCK as u64;
        let expected = [
            (Stage::Opening, "large", 0, 0),
            (Stage::Reading, "large", 0, block),
            (Stage::Reading, "large", 0, 2 * block),
            (Stage::Reading, "large", 0, 2 * block + 1),
            (Stage::Done, "large", 1, 2 * block + 1),
            (Stage::Opening, "none", 1, 2 * block + 1),
            (Stage::Done, "none", 2, 2 * block + 1),
        ]
        .map(|(stage, path, files, bytes)| (stage, path.to_owned(), files, bytes));
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_error_of_the_observer_ends_the_work_at_every_stage() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("one"), "1").unwrap();
        for stage in [Stage::Listing, Stage::Opening, Stage::Reading, Stage::Done] {
            let mut calls_after = 0;
            let mut stopped = false;
            let result = digest_folder(folder.path(), |progress| {
                calls_after += usize::from(stopped);
                stopped |= progress.stage == stage;
                if stopped { Err(Stopped::Cancelled) } else { Ok(()) }
            });
            assert!(matches!(result, Err(Stopped::Cancelled)), "{stage:?}: {result:?}");
            assert_eq!(calls_after, 0, "{stage:?}");
        }
    }

    #[test]
    fn the_totals_follow_a_file_that_grew_after_it_was_listed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        std::fs::write(&file, "1").unwrap();
        let digest = digest_folder(folder.path(), |progress| {
            assert!(progress.bytes_done <= progress.bytes_total, "{progress:?}");
            match progress.stage {
                Stage::Opening => std::fs::write(&file, "12345").unwrap(),
                Stage::Done => assert_eq!((progress.bytes_done, progress.bytes_total), (5, 5)),
                Stage::Listing | Stage::Reading => {}
            }
            Ok::<_, FolderError>(())
        })
        .unwrap();
        assert_eq!(digest.bytes, 5);
    }
}
