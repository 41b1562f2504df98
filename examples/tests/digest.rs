//! The digest of a folder beside that of the real coreutils and findutils, on a folder where
//! everything is odd that can be: names, links, permissions, files that go away.

#![cfg(target_os = "linux")] // coreutils, and names that are any bytes

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use examples::digest::{FolderDigest, FolderError, Item, Reason, Stage, digest_folder};
use tempfile::TempDir;

/// Set for the process that is this test again as another user: the folder to compare.
const FOLDER_FOR_OTHER_USER: &str = "DIGEST_TEST_FOLDER";

const VANISHES: &str = "vanishes";
const UNREADABLE: &str = "unreadable";
const LOCKED: &str = "locked folder";
const LARGE: &str = "large";
const LARGE_SIZE: u64 = 300 << 20;

/// Parts of names that have gone wrong somewhere.
const ODD: &[&[u8]] = &[
    b" with spaces ",
    b"new\nline",
    b"back\\slash",
    b"back\\nslash",
    b"carriage\rreturn",
    b"all \\ of \n them \r",
    b"\xff\xfe no text \xc3",
    "ünïcödé 日本".as_bytes(),
    b"-n",
    b"*?[a]",
    b"$(exit 1) `exit 1` \"quoted' ",
    b"\x1b[31m",
    b".hidden",
    b"~",
];

/// The whole demonstration on one folder of 1,000 files, and for root (who can read everything)
/// once more as a user for whom something is unreadable.
#[test]
fn a_folder_of_a_thousand_odd_files_has_the_digest_of_coreutils() {
    if let Some(folder) = env::var_os(FOLDER_FOR_OTHER_USER) {
        let digest = compare(Path::new(&folder));
        assert_unreadable(&digest, &[(LOCKED, Item::Folder), (UNREADABLE, Item::File)]);
        println!("as another user: {digest}");
        assert_cannot_be_entered(&Path::new(&folder).join(LOCKED));
        return;
    }

    let odd = OddFolder::new();
    let reads_everything = File::open(odd.folder.join(UNREADABLE)).is_ok();
    let digest = compare(&odd.folder);
    println!("{digest}");
    assert!(digest.files.iter().any(|file| file.size == LARGE_SIZE));
    assert!(digest.files.iter().any(|file| file.size == 0));
    if reads_everything {
        assert_unreadable(&digest, &[(VANISHES, Item::File)]);
        assert_eq!(digest.files.len(), 999);
        odd.compare_as_another_user(&digest);
    } else {
        let unreadable = [(LOCKED, Item::Folder), (UNREADABLE, Item::File), (VANISHES, Item::File)];
        assert_unreadable(&digest, &unreadable);
        assert_eq!(digest.files.len(), 997);
        assert_cannot_be_entered(&odd.folder.join(LOCKED));
    }
}

/// Deleted when it is announced: listed, about to be opened, and gone.
#[test]
fn a_file_that_vanishes_before_it_is_read_is_listed_and_has_no_line() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", VANISHES, "z"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let digest = compare(folder.path());
    assert_unreadable(&digest, &[(VANISHES, Item::File)]);
    assert_eq!(digest.unreadable[0].reason, Reason::Vanished);
    assert_eq!(digest.files.len(), 2);
}

/// Opening a pipe waits for a writer; nobody could cancel that.
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

/// The folder of the first test.
struct OddFolder {
    around: TempDir,
    folder: PathBuf,
}

impl OddFolder {
    /// Exactly 1,000 regular files, and some things that are none.
    fn new() -> Self {
        let around = tempfile::tempdir().unwrap();
        // For the other user to come in.
        fs::set_permissions(around.path(), Permissions::from_mode(0o755)).unwrap();
        let folder = around.path().join("odd \\ folder");
        let odd = OddFolder { around, folder };

        let names = odd_names();
        assert_eq!(names.len(), 1000);
        for (number, name) in names.iter().enumerate() {
            let path = odd.folder.join(OsStr::from_bytes(name));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("content of file {number}\n").repeat(number % 50)).unwrap();
        }
        fs::write(odd.folder.join("empty"), "").unwrap();
        let large = File::options().write(true).open(odd.folder.join(LARGE)).unwrap();
        large.set_len(LARGE_SIZE).unwrap();

        symlink("nowhere", odd.folder.join("broken link")).unwrap();
        symlink(LARGE, odd.folder.join("link to a file")).unwrap();
        symlink("..", odd.folder.join("link that would be a loop")).unwrap();
        make_pipe(&odd.folder.join("pipe"));
        odd.lock(0o000);
        odd
    }

    /// Takes the permissions away, or gives them back for the folder to be deleted.
    fn lock(&self, mode: u32) {
        for name in [UNREADABLE, LOCKED] {
            let path = self.folder.join(name);
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
    }

    /// Runs this same test again as nobody, whose digest must be another one than root's.
    fn compare_as_another_user(&self, by_root: &FolderDigest) {
        let setpriv = || {
            let mut setpriv = Command::new("setpriv");
            setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
            setpriv
        };
        if !setpriv().arg("true").status().is_ok_and(|status| status.success()) {
            eprintln!("root without a working setpriv: not compared as another user");
            return;
        }
        // This program may lie where only root can reach it.
        let program = self.around.path().join("test");
        fs::copy(env::current_exe().unwrap(), &program).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        let output = setpriv()
            .arg(program)
            .args(["--exact", "a_folder_of_a_thousand_odd_files_has_the_digest_of_coreutils"])
            .arg("--nocapture")
            .env(FOLDER_FOR_OTHER_USER, &self.folder)
            .current_dir(&self.around)
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
}

impl Drop for OddFolder {
    fn drop(&mut self) {
        self.lock(0o755);
    }
}

/// 1,000 paths of files, as bytes.
fn odd_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> =
        ["empty", VANISHES, UNREADABLE, LARGE].map(|name| name.as_bytes().to_vec()).into();
    names.push(format!("{LOCKED}/inside").into_bytes());
    // Every byte that a name may consist of, alone.
    names.extend((1..=255).filter(|byte| !b"/.".contains(byte)).map(|byte| vec![byte]));
    // Folders whose order in the tree is not that of the bytes of the paths: `oo/…` comes after
    // `oo-/…` and before `oo0/…`.
    let folders = ["", "oo/", "oo-/", "oo0/", "oo/deeper/and deeper/", "oo\n/", "oo\\/", "oo\r/"];
    for number in names.len()..1000 {
        let (folder, odd) = (folders[number % folders.len()], ODD[number % ODD.len()]);
        // Odd at the front, at the end or on both sides.
        let (front, end) = match number % 3 {
            0 => (odd, &b""[..]),
            1 => (&b""[..], odd),
            _ => (odd, odd),
        };
        names.push([folder.as_bytes(), front, number.to_string().as_bytes(), end].concat());
    }
    names
}

/// Digests the folder, deletes the file called `vanishes` when it is announced, and asserts that
/// the digest is what coreutils says.
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

/// What the real commands say. They complain about unreadable files on stderr and go on.
fn coreutils(folder: &Path) -> String {
    let script = "cd \"$1\" && LC_ALL=C find . -type f -print0 | LC_ALL=C sort -z \
                  | xargs -0 -r sha256sum | sha256sum";
    let output = Command::new("sh").args(["-c", script, "sh"]).arg(folder).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let digest =
        stdout.strip_suffix("  -\n").unwrap_or_else(|| panic!("sha256sum said {stdout:?}"));
    digest.to_owned()
}

#[track_caller]
fn assert_unreadable(digest: &FolderDigest, expected: &[(&str, Item)]) {
    let unreadable = digest.unreadable.iter();
    let unreadable: Vec<_> =
        unreadable.map(|entry| (str::from_utf8(&entry.path).unwrap(), entry.item)).collect();
    assert_eq!(unreadable, expected);
}

/// `cd` fails, so there is no digest, and least of all that of an empty folder.
fn assert_cannot_be_entered(folder: &Path) {
    let error = digest_folder(folder, |_| Ok::<(), FolderError>(())).unwrap_err();
    assert_eq!(error.source.kind(), io::ErrorKind::PermissionDenied, "{error}");
}

fn make_pipe(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::from(0o600)).unwrap();
}
