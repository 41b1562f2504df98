//! The files of the repository, for tests that read them.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the folder of the workspace.
///
/// # Panics
/// If the tests are not in a workspace.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the workspace")
}

/// Returns all files with one of these extensions, without what was built. Their order is that of
/// their names.
///
/// # Panics
/// If a folder cannot be read.
#[must_use]
pub fn files(extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|it| extensions.iter().any(|one| it == *one)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
