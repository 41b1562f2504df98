//! The panels of the workbench's window, driven by clicks and keys: the QML test cases of `window`;
//! creates the folders that they need.

use std::fs::{self, File};
use std::process::ExitCode;

use examples_qt::Invocation;
use examples_qt::arguments::Arguments;

/// The size of a sparse file that takes no disk space, except where `set_len` does not make holes.
const ENDLESS: u64 = if cfg!(windows) { 1 << 32 } else { 1 << 38 };

fn main() -> ExitCode {
    mpqt::init();
    let folder = tempfile::tempdir().expect("a folder for the tests");
    // The files that `tst_digest.qml` expects.
    let files = folder.path().join("files");
    fs::create_dir_all(files.join("deeper")).expect("folders");
    for (name, content) in [("a", "1"), ("b", "22"), ("deeper/c", "333"), ("none", "")] {
        fs::write(files.join(name), content).expect("a file");
    }
    // A file that is never read to its end.
    let endless = folder.path().join("endless");
    fs::create_dir(&endless).expect("a folder");
    let large = File::create(endless.join("large")).expect("a file");
    large.set_len(ENDLESS).expect("a size");

    Invocation::set(Arguments { folder: folder.path().to_owned().into(), shot: None }, false);
    examples_qt::register();
    mpqt::testing::run("window", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/window"))
}
