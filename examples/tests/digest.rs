//! Compares the digest of a folder with that of the real coreutils and findutils, on a folder with
//! every oddity: names, links, permissions, files that disappear.

#![cfg(target_os = "linux")] // coreutils, and names that are any bytes

mod odd_folder;

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use examples::digest::{FolderDigest, FolderError, Item, Reason, Stage, digest_folder};
use odd_folder::{LARGE_SIZE, LOCKED, OddFolder, UNREADABLE, VANISHES, coreutils, make_pipe};

/// Set for the process that repeats this test as another user: the folder to compare.
const FOLDER_FOR_OTHER_USER: &str = "DIGEST_TEST_FOLDER";

/// The whole comparison on one folder of 1,000 files, repeated for root (who can read everything)
/// as a user who cannot read some of them.
#[test]
fn a_thousand_odd_files_have_the_digest_of_coreutils() {
    if let Some(folder) = env::var_os(FOLDER_FOR_OTHER_USER) {
        let digest = compare(Path::new(&folder));
        assert_unreadable(&digest, &[(LOCKED, Item::Folder), (UNREADABLE, Item::File)]);
        println!("as another user: {digest}");
        assert_cannot_be_entered(&Path::new(&folder).join(LOCKED));
        return;
    }

    let odd = OddFolder::new();
    let digest = compare(&odd.folder);
    println!("{digest}");
    assert!(digest.files.iter().any(|file| file.size == LARGE_SIZE));
    assert!(digest.files.iter().any(|file| file.size == 0));
    if odd.is_all_readable() {
        assert_unreadable(&digest, &[(VANISHES, Item::File)]);
        assert_eq!(digest.files.len(), 999);
        compare_as_another_user(&odd, &digest);
    } else {
        let unreadable = [(LOCKED, Item::Folder), (UNREADABLE, Item::File), (VANISHES, Item::File)];
        assert_unreadable(&digest, &unreadable);
        assert_eq!(digest.files.len(), 997);
        assert_cannot_be_entered(&odd.folder.join(LOCKED));
    }
}

/// Repeats the test above as the user `nobody`, whose digest must differ from root's.
fn compare_as_another_user(odd: &OddFolder, by_root: &FolderDigest) {
    let Some(mut command) = odd.as_another_user(&env::current_exe().unwrap()) else { return };
    let output = command
        .args(["--exact", "a_thousand_odd_files_have_the_digest_of_coreutils"])
        .arg("--nocapture")
        .env(FOLDER_FOR_OTHER_USER, &odd.folder)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "as another user:\n{stdout}\n{stderr}");
    let said = stdout.lines().find(|line| line.contains("as another user: digest "));
    let said = said.expect("the other user's run compared nothing");
    assert!(said.contains("files 997 "), "{said}");
    assert!(!said.contains(&by_root.sha256), "{said}");
}

/// Deleted when it is announced: listed, about to be opened, and gone.
#[test]
fn a_file_that_vanishes_before_its_read_has_no_line() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", VANISHES, "z"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let digest = compare(folder.path());
    assert_unreadable(&digest, &[(VANISHES, Item::File)]);
    assert_eq!(digest.unreadable[0].reason, Reason::Vanished);
    assert_eq!(digest.files.len(), 2);
}

/// Opening a pipe waits for a writer and could not be cancelled.
#[test]
fn a_file_that_becomes_a_pipe_does_not_hang_the_digest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();

    let (done, result) = mpsc::channel();
    let root = folder.path().to_owned();
    thread::spawn(move || {
        let digest = digest_folder(&root, |progress| {
            if progress.stage == Stage::Opening {
                fs::remove_file(&path).unwrap();
                make_pipe(&path);
            }
            Ok::<(), FolderError>(())
        });
        done.send(digest.unwrap()).unwrap();
    });
    let digest = result.recv_timeout(Duration::from_secs(20)).expect("the digest hangs");
    assert_eq!(digest.unreadable[0].reason, Reason::Replaced);
    assert_eq!(digest.sha256, coreutils(folder.path()));
}

#[test]
fn an_empty_folder_and_a_folder_behind_a_link_agree_too() {
    let folder = tempfile::tempdir().unwrap();
    compare(folder.path());

    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join("file"), "content").unwrap();
    let link = folder.path().join("link");
    symlink(&inside, &link).unwrap();
    let digest = compare(&link);
    assert_eq!(digest.files.len(), 1);
    assert_eq!(digest, compare(&inside));
}

/// Digests the folder, deletes the file called `vanishes` when it is announced, and asserts that
/// the digest matches that of coreutils.
fn compare(folder: &Path) -> FolderDigest {
    let digest = digest_folder(folder, |progress| {
        if progress.stage == Stage::Opening && progress.path == VANISHES.as_bytes() {
            fs::remove_file(folder.join(VANISHES)).unwrap();
        }
        Ok::<(), FolderError>(())
    });
    let digest = digest.unwrap();
    assert_eq!(digest.sha256, coreutils(folder), "{digest}");
    assert_eq!(digest.bytes, digest.files.iter().map(|file| file.size).sum::<u64>());
    digest
}

#[track_caller]
fn assert_unreadable(digest: &FolderDigest, expected: &[(&str, Item)]) {
    let unreadable = digest.unreadable.iter();
    let unreadable: Vec<_> =
        unreadable.map(|entry| (str::from_utf8(&entry.path).unwrap(), entry.item)).collect();
    assert_eq!(unreadable, expected);
}

/// `cd` fails, so there is no digest, and in particular not that of an empty folder.
fn assert_cannot_be_entered(folder: &Path) {
    let error = digest_folder(folder, |_| Ok::<(), FolderError>(())).unwrap_err();
    assert_eq!(error.source.kind(), io::ErrorKind::PermissionDenied, "{error}");
}
