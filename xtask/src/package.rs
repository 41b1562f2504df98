//! `cargo xtask package`: builds and tests the crates as published, outside of the repository.
//!
//! Only this detects what a package lacks: a file outside of the crate's folder, a dependency
//! without a version. What is not published is packaged as well, but not built: so `cargo package`
//! works everywhere in the workspace, and tells what a crate would lack that is published one day.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use crate::command_line::CommandLine;
use crate::display;
use crate::error::Error;
use crate::setup::{self, Machine};

/// The published crates, each after its dependencies.
const CRATES: &[&str] = &["mpmacros", "mpcore", "mpqt"];

/// What the licences require of each package, and what a registry shows.
const FILES: &[&str] = &["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// Dependencies that packaging drops because no registry can resolve them: the crate that the examples
/// are written for.
const DROPPED: &[(&str, &str)] =
    &[("mpmacros", "\n[dev-dependencies.mpcore]\npath = \"../mpcore\"\n")];

pub(crate) fn run() -> Result<ExitCode, Error> {
    let begun = Instant::now();
    setup::make_sure_of_qt()?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().expect("xtask is a folder of the workspace");
    let target = root.join("target");
    // Uncommitted changes are packaged too: this is a test, and nothing is published.
    let package = || {
        let packages = CommandLine::cargo(["package", "--no-verify", "--allow-dirty"]);
        packages.args(["--target-dir".as_ref(), target.as_os_str()])
    };
    // Without lock files: for them cargo looks up in a registry what unpublished members need of
    // each other. The published crates are packaged once more, as `cargo publish` does it.
    let everything = package().args(["--workspace", "--exclude-lockfile"]);
    let published = package().args(CRATES.iter().flat_map(|name| ["--package", *name]));
    if !run_in(root, everything)? || !run_in(root, published)? {
        return Ok(ExitCode::FAILURE);
    }
    let outside = Outside::new()?;
    for name in CRATES {
        let file = target.join(format!("package/{name}-{}.crate", env!("CARGO_PKG_VERSION")));
        // With the present as their time: cargo gives all files the same one, by which a build of
        // other sources would seem to be up to date.
        let unpack = CommandLine::new("tar").args(["-xzmf".as_ref(), file.as_os_str()]);
        if !run_in(&outside.folder, unpack)? {
            return Ok(ExitCode::FAILURE);
        }
        outside.rename(name)?;
        let lacks = |file: &&&str| !outside.folder.join(name).join(file).exists();
        let missing: Vec<_> = FILES.iter().filter(lacks).copied().collect();
        if !missing.is_empty() {
            return Err(Error::Incomplete { package: name, missing });
        }
    }
    outside.make_workspace(root)?;
    let variables = display::variables(&Machine);
    for tests in ["--lib", "--doc"] {
        let test = CommandLine::cargo(["test", "--workspace", tests, "--quiet", "--target-dir"]);
        let test = test.args([target.join("packaged")]).variables(&variables);
        if !run_in(&outside.folder, test)? {
            return Ok(ExitCode::FAILURE);
        }
    }
    if !run_in(&outside.folder, documentation(&target))? {
        return Ok(ExitCode::FAILURE);
    }
    let (names, minutes) = (CRATES.join(", "), begun.elapsed().as_secs_f64() / 60.0);
    println!(
        "{names}: packaged, built and tested outside of the repository, in {minutes:.1} minutes"
    );
    Ok(ExitCode::SUCCESS)
}

/// The documentation of `mpqt` as docs.rs builds it, but with the Qt of this machine: its build
/// script compiles nothing then.
fn documentation(target: &Path) -> CommandLine {
    let arguments = ["doc", "--package", "mpqt", "--no-deps", "--features", "testing", "--quiet"];
    let document =
        CommandLine::cargo(arguments).args(["--target-dir".into(), target.join("packaged")]);
    document.variable("DOCS_RS", "1")
}

fn run_in(folder: &Path, command: CommandLine) -> Result<bool, Error> {
    Ok(command.show().stream(folder, |_| {})?.status.success())
}

/// A folder outside of the repository, deleted on drop.
struct Outside {
    folder: PathBuf,
}

impl Outside {
    fn new() -> Result<Self, Error> {
        let folder = std::env::temp_dir().join(format!("mp-packages-{}", std::process::id()));
        fs::create_dir(&folder).map_err(|source| Error::Write { path: folder.clone(), source })?;
        Ok(Self { folder })
    }

    /// The folder of a package has its version in its name.
    fn rename(&self, name: &str) -> Result<(), Error> {
        let path = self.folder.join(name);
        let unpacked = self.folder.join(format!("{name}-{}", env!("CARGO_PKG_VERSION")));
        fs::rename(unpacked, &path).map_err(|source| Error::Write { path, source })
    }

    fn make_workspace(&self, root: &Path) -> Result<(), Error> {
        let write = |path: PathBuf, text: &str| {
            fs::write(&path, text).map_err(|source| Error::Write { path, source })
        };
        write(self.folder.join("Cargo.toml"), &workspace())?;
        for (name, lines) in DROPPED {
            let path = self.folder.join(name).join("Cargo.toml");
            let opened = File::options().append(true).open(&path);
            let written = opened.and_then(|mut manifest| manifest.write_all(lines.as_bytes()));
            written.map_err(|source| Error::Write { path, source })?;
        }
        // The versions that all other tests use.
        let path = self.folder.join("Cargo.lock");
        let copied = fs::copy(root.join("Cargo.lock"), &path);
        copied.map(drop).map_err(|source| Error::Write { path, source })
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The three crates refer to each other by version only.
fn workspace() -> String {
    let members: Vec<_> = CRATES.iter().map(|name| format!("\"{name}\"")).collect();
    let patches: Vec<_> =
        CRATES.iter().map(|name| format!("{name} = {{ path = \"{name}\" }}\n")).collect();
    let (members, patches) = (members.join(", "), patches.concat());
    format!("[workspace]\nresolver = \"3\"\nmembers = [{members}]\n\n[patch.crates-io]\n{patches}")
}
