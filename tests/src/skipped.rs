//! What cannot be shown on a machine is said, and not passed over.

/// Says that a test was not shown here, and why.
#[allow(clippy::print_stderr)]
pub fn skipped(test: &str, why: &str) {
    eprintln!("SKIPPED: {test}: {why}");
}

/// Whether this is root; if not, says so of this test.
#[must_use]
pub fn is_root(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skipped(test, "only root can do this");
    }
    root
}

/// Whether this program is there; if not, says so of this test.
#[must_use]
pub fn has_program(test: &str, program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !there {
        skipped(test, &format!("`{program}` is not installed"));
    }
    there
}
