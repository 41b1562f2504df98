//! A folder with every oddity (names, links, permissions), the output of the real coreutils for it,
//! and commands that run as another user.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub(crate) const VANISHES: &str = "vanishes";
pub(crate) const UNREADABLE: &str = "unreadable";
pub(crate) const LOCKED: &str = "locked folder";
pub(crate) const LARGE: &str = "large";
pub(crate) const LARGE_SIZE: u64 = 300 << 20;

/// Parts of names that have caused bugs somewhere.
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

/// Deleted with its content on drop.
pub(crate) struct OddFolder {
    around: TempDir,
    /// Its own name is not UTF-8 either.
    pub(crate) folder: PathBuf,
}

impl OddFolder {
    /// Creates exactly 1,000 regular files and some other entries.
    pub(crate) fn new() -> Self {
        let around = tempfile::tempdir().unwrap();
        // So that the other user can enter.
        fs::set_permissions(around.path(), Permissions::from_mode(0o755)).unwrap();
        let folder = around.path().join(OsStr::from_bytes(b"odd \\ \xff folder"));
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

    /// Whether this user can read everything.
    pub(crate) fn is_all_readable(&self) -> bool {
        File::open(self.folder.join(UNREADABLE)).is_ok()
    }

    /// The program, to be run by a user who cannot read everything.
    pub(crate) fn as_another_user(&self, program: &Path) -> Option<Command> {
        // The original may be where only root can reach it.
        let copy = self.around.path().join("program");
        let mut command = another_user()?;
        // Copied by another process: a file that any process holds open for writing cannot be
        // executed.
        let install = Command::new("install").args(["-m", "755"]).args([program, &copy]).status();
        assert!(install.unwrap().success());
        command.arg(copy).current_dir(&self.around);
        Some(command)
    }

    /// Removes the permissions, or restores them so that the folder can be deleted.
    fn lock(&self, mode: u32) {
        for name in [UNREADABLE, LOCKED] {
            let path = self.folder.join(name);
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
    }
}

impl Drop for OddFolder {
    fn drop(&mut self) {
        self.lock(0o755);
    }
}

/// The paths of 1,000 files, as bytes.
fn odd_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> =
        ["empty", VANISHES, UNREADABLE, LARGE].map(|name| name.as_bytes().to_vec()).into();
    names.push(format!("{LOCKED}/inside").into_bytes());
    // Every byte that is allowed in a name, alone.
    names.extend((1..=255).filter(|byte| !b"/.".contains(byte)).map(|byte| vec![byte]));
    // Folders whose order in the tree differs from the byte order of the paths: `oo/…` comes after
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

/// The start of a command that runs as another user; only root gets one.
pub(crate) fn another_user() -> Option<Command> {
    let setpriv = || {
        let mut setpriv = Command::new("setpriv");
        setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        setpriv
    };
    let works = setpriv().arg("true").status().is_ok_and(|status| status.success());
    if !works {
        skip("to compare as another user", "root has no working setpriv", "cargo test -p examples");
    }
    works.then(setpriv)
}

/// Reports to `cargo xtask test` what was skipped, as `system_tests::skip` does.
fn skip(what: &str, lacks: &str, command: &str) {
    let line = format!("{what}: {lacks}; run `{command}`\n");
    print!("SKIPPED: {line}");
    if let Some(list) = std::env::var_os("SKIPPED_TESTS") {
        let mut list = File::options().append(true).create(true).open(list).unwrap();
        list.write_all(line.as_bytes()).unwrap();
    }
}

/// The output of the real commands.
pub(crate) fn coreutils(folder: &Path) -> String {
    coreutils_by(Command::new("env"), folder)
}

/// The same, run through `command`. The programs complain about unreadable files on stderr and go
/// on.
pub(crate) fn coreutils_by(mut command: Command, folder: &Path) -> String {
    let script = "cd \"$1\" && LC_ALL=C find . -type f -print0 | LC_ALL=C sort -z \
                  | xargs -0 -r sha256sum | sha256sum";
    let output = command.args(["sh", "-c", script, "sh"]).arg(folder).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let digest =
        stdout.strip_suffix("  -\n").unwrap_or_else(|| panic!("sha256sum said {stdout:?}"));
    digest.to_owned()
}

pub(crate) fn make_pipe(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::from(0o600)).unwrap();
}
