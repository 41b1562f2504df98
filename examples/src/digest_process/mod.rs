//! The digest of a folder as a child process: the interface and the child.
//!
//! The console demo (`src/bin/digest`) and the workbench (`qt/src/bin/workbench`) drive it.

mod pace;
mod rows;
mod speed;
mod system_text;

use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use self::rows::FileRow;
pub use self::system_text::SystemText;

use self::pace::Pace;
use self::rows::Rows;
use self::speed::Speed;
use crate::digest::{FolderSummary, Progress, digest_folder_without, path_text};

/// How often the child reports: as often as a person can follow. The digest itself takes hundreds
/// of thousands of steps in a large folder.
const EVERY: Duration = Duration::from_millis(50);

/// The configuration of the child.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DigestConfig {
    /// Names directly below the folder that are not digested, such as `target`.
    pub without: Vec<SystemText>,
}

/// Digests folders, one at a time.
#[mpcore::process(config = DigestConfig)]
pub trait Digest {
    /// Digests every regular file below `folder`, whose path need not be UTF-8.
    ///
    /// Its progress is the share of the bytes that were read. It can be cancelled at any time, even
    /// in the middle of a large file.
    #[signal(postfix = "_finished")]
    fn digest(&mut self, folder: SystemText) -> mpcore::Result<FolderSummary>;

    /// The current file, relative to the folder, as one line that is safe on a terminal. Empty if
    /// there is none.
    #[property]
    fn current_file(&self) -> String;

    /// Millions of bytes per second: over the last second while a digest runs, and over all of it
    /// afterwards.
    #[property]
    fn mb_per_second(&self) -> f64;

    /// Files that are done, including unreadable ones.
    #[property]
    fn files_done(&self) -> u64;

    /// Files found; this grows first, while the folder is listed.
    #[property]
    fn files_total(&self) -> u64;

    /// Files that are done, in their order, a few hundred at a time; all of them are sent before
    /// the digest's result.
    #[event]
    fn files_read(&self, files: Vec<FileRow>);
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Digest)]
pub struct DigestProcess {
    cx: DigestContext,
    config: DigestConfig,
}

impl Digest for DigestProcess {
    fn digest(&mut self, folder: SystemText) -> mpcore::Result<FolderSummary> {
        let begun = Instant::now();
        let (mut pace, mut speed) = (Pace::new(EVERY), Speed::default());
        let mut rows = Rows::default();
        let without: Vec<_> = self.config.without.iter().map(|name| name.0.clone()).collect();
        let digest = digest_folder_without(Path::new(&folder.0), &without, |progress| {
            self.cx.check_cancelled()?;
            rows.add(progress);
            let now = Instant::now();
            let due = pace.is_due(now);
            if due {
                self.tell(progress, speed.measure(now, progress.bytes_done));
            }
            if due || rows.are_many() {
                self.tell_rows(&mut rows);
            }
            Ok::<_, mpcore::Error>(())
        });
        self.tell_rows(&mut rows);
        self.cx.current_file.set(String::new());
        let digest = digest?;
        // The last steps may have been skipped.
        let files = (digest.files.len() + digest.unreadable_files()) as u64;
        self.cx.files_done.set(files);
        self.cx.files_total.set(files);
        self.cx.mb_per_second.set(megabytes(digest.bytes as f64 / begun.elapsed().as_secs_f64()));
        self.cx.progress(1.0);
        Ok(digest.into())
    }
}

impl DigestProcess {
    /// Sets the properties first, so that they are up to date when the progress is reported.
    fn tell(&self, progress: &Progress<'_>, bytes_per_second: f64) {
        self.cx.current_file.set(path_text(progress.path));
        self.cx.mb_per_second.set(megabytes(bytes_per_second));
        self.cx.files_done.set(progress.files_done);
        self.cx.files_total.set(progress.files_total);
        self.cx.progress(fraction(progress));
    }

    fn tell_rows(&self, rows: &mut Rows) {
        let rows = rows.take();
        if !rows.is_empty() {
            self.cx.files_read.emit(rows);
        }
    }
}

/// The share of the bytes, or of the files if they are all empty.
fn fraction(progress: &Progress<'_>) -> f64 {
    let share = |done: u64, total: u64| done as f64 / total as f64;
    match (progress.bytes_total, progress.files_total) {
        (0, 0) => 0.0,
        (0, files) => share(progress.files_done, files),
        (bytes, _) => share(progress.bytes_done, bytes),
    }
}

fn megabytes(bytes: f64) -> f64 {
    bytes / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Stage;

    mpcore::test_support!();

    #[test]
    fn progress_is_a_share_at_every_stage() {
        let check = |stage, (files_done, files_total), (bytes_done, bytes_total), expected: f64| {
            let path = &b""[..];
            let progress = Progress {
                stage,
                path,
                files_done,
                files_total,
                bytes_done,
                bytes_total,
                file: None,
            };
            assert!((fraction(&progress) - expected).abs() < 1e-9, "{progress:?}");
        };
        check(Stage::Listing, (0, 5), (0, 100), 0.0);
        check(Stage::Opening, (0, 5), (0, 100), 0.0);
        check(Stage::Reading, (1, 5), (50, 100), 0.5);
        check(Stage::Done, (5, 5), (100, 100), 1.0);
        check(Stage::Done, (3, 4), (0, 0), 0.75);
        check(Stage::Opening, (0, 0), (0, 0), 0.0);
    }

    /// Runs the same child on a thread, as a program's own tests of its child do.
    #[test]
    fn a_digest_leaves_everything_at_its_end() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "content").unwrap();
        std::fs::write(folder.path().join("target"), "").unwrap();
        let config = DigestConfig { without: vec![Path::new("target").into()] };
        let builder = DigestControl::builder().in_process::<DigestProcess>().config(config);
        let control = builder.build().unwrap();
        let rows = control.signals().files_read.receiver();
        control.process().start().unwrap();

        let digest = control.blocking().digest(folder.path().into()).unwrap();
        assert_eq!((digest.files, digest.bytes), (1, 7));
        let (rows,) = rows.recv_timeout(Duration::from_secs(30)).unwrap();
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((row.path.as_str(), row.size, &row.problem), ("file", 7, &None));
        // `printf content | sha256sum`
        assert!(row.sha256.starts_with("ed7002b439e9ac84"), "{row:?}");
        assert_eq!((control.files_done(), control.files_total()), (1, 1));
        assert_eq!(control.current_file(), "");
        assert!(control.mb_per_second() > 0.0);
    }

    /// Sends a name that is not UTF-8 through a real process and back.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_need_not_be_text() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt as _;
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join(OsString::from_vec(b"\xff folder".to_vec()));
        let control = DigestControl::spawn::<DigestProcess>(DigestConfig::default()).unwrap();

        let error = control.blocking().digest(folder.as_path().into()).unwrap_err();
        assert!(error.to_string().contains("could not enter the folder"), "{error}");
        std::fs::create_dir(&folder).unwrap();
        let digest = control.blocking().digest(folder.as_path().into()).unwrap();
        assert_eq!(digest.files, 0);
    }
}
