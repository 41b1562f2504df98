//! Finds the files: the part of `find . -type f -print0 | sort -z`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::progress::{Progress, Stage, Tally};
use super::table::{Item, Reason, Unreadable};

/// A regular file, as the listing saw it.
pub(super) struct Found {
    /// Relative to the folder, as bytes: the sort key and the path in the line.
    pub(super) path: Vec<u8>,
    /// Where to open it.
    pub(super) on_disk: PathBuf,
    /// Its size when it was listed, which may change before it is read.
    pub(super) size: u64,
}

/// Returns all regular files below `folder`, sorted by the bytes of their paths, and what could not
/// be listed. Entries directly in the folder whose names are in `without` are skipped. The totals
/// in `tally` grow with every file found.
pub(super) fn list_files<E>(
    folder: &Path,
    without: &[OsString],
    tally: &mut Tally,
    observer: &mut impl FnMut(&Progress<'_>) -> Result<(), E>,
) -> Result<(Vec<Found>, Vec<Unreadable>), E> {
    let mut found = Vec::new();
    let mut unreadable = Vec::new();
    let mut newest = PathBuf::new();
    let passed_by =
        |entry: &DirEntry| entry.depth() == 1 && without.iter().any(|it| it == entry.file_name());
    for entry in WalkDir::new(folder).into_iter().filter_entry(|entry| !passed_by(entry)) {
        match entry {
            Ok(entry) => {
                let path = bytes_below(folder, entry.path());
                newest = entry.path().to_owned();
                // A file that is gone already is still listed, as `find` does; reading it will
                // report what happened to it.
                let size = || entry.metadata().map_or(0, |metadata| metadata.len());
                let file_size = entry.file_type().is_file().then(size);
                if let Some(size) = file_size {
                    tally.list(size);
                }
                observer(&tally.progress(Stage::Listing, &path))?;
                if let Some(size) = file_size {
                    found.push(Found { path, on_disk: entry.into_path(), size });
                }
            }
            Err(error) => {
                // Without a path, the listing of a folder broke off in the middle: the folder of
                // the newest entry, or the newest entry itself.
                let path = error.path().map_or_else(
                    || bytes_of(below(folder, &newest), error.depth().saturating_sub(1)),
                    |path| bytes_below(folder, path),
                );
                let reason = match error.io_error() {
                    Some(error) if error.kind() == std::io::ErrorKind::NotFound => Reason::Vanished,
                    Some(error) => Reason::Failed(error.to_string()),
                    None => Reason::Failed(error.to_string()),
                };
                unreadable.push(Unreadable { path, item: Item::Folder, reason });
            }
        }
    }
    // Not the order of a walk, which finishes a folder before its next neighbour: `a-b` comes
    // before `a/b`, since `-` is less than `/`.
    found.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok((found, unreadable))
}

fn below<'a>(folder: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(folder).unwrap_or(path)
}

fn bytes_below(folder: &Path, path: &Path) -> Vec<u8> {
    bytes_of(below(folder, path), usize::MAX)
}

/// The first `depth` names of a path as bytes, with `/` between them. On Unix these are the path's
/// own bytes, unchanged. Elsewhere they are those of Rust's internal encoding, which is lossless
/// too.
fn bytes_of(path: &Path, depth: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(path.as_os_str().len());
    for name in path.iter().take(depth) {
        if !bytes.is_empty() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name.as_encoded_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_by_path_bytes_and_not_by_tree() {
        let folder = tempfile::tempdir().unwrap();
        let sorted = ["B", "a", "b!", "b-c", "b.d/file", "b/c", "b/d/e", "b0", "ü"];
        for path in sorted.iter().rev() {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        assert_eq!(listed(folder.path(), &[]), sorted);
    }

    #[test]
    fn only_entries_of_the_top_folder_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a/target/file", "b", "target/a", "target/b/c", "targets"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        assert_eq!(listed(folder.path(), &["target", "b"]), ["a/target/file", "targets"]);
    }

    fn listed(folder: &Path, without: &[&str]) -> Vec<String> {
        let without: Vec<_> = without.iter().map(OsString::from).collect();
        let observer = &mut |_: &Progress<'_>| Ok::<_, ()>(());
        let listed = list_files(folder, &without, &mut Tally::default(), observer);
        let (found, unreadable) = listed.unwrap();
        assert!(unreadable.is_empty(), "{unreadable:?}");
        found.into_iter().map(|file| String::from_utf8(file.path).unwrap()).collect()
    }

    #[test]
    fn the_bytes_of_a_path_end_after_the_depth_asked_for() {
        for (depth, expected) in [(0, ""), (1, "a"), (2, "a/b"), (9, "a/b/c")] {
            assert_eq!(bytes_of(Path::new("a/b/c"), depth), expected.as_bytes());
        }
    }
}
