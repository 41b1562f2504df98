//! Why a command failed. A failing test is not among them: it is a result.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::setup::Advice;

#[derive(Debug)]
pub(crate) enum Error {
    /// The command line is invalid.
    Usage(String),
    /// A program could not be started or its output could not be read.
    Run { command: String, source: io::Error },
    /// Cargo could not describe the workspace; it has reported why on stderr.
    Metadata,
    /// Cargo's description of the workspace has an unexpected format.
    MetadataAnswer(String),
    /// The tests of the workspace do not match the table of kinds.
    Kinds(Vec<String>),
    /// A package lacks files that each must have.
    Incomplete { package: &'static str, missing: Vec<&'static str> },
    /// A file could not be written.
    Write { path: PathBuf, source: io::Error },
    /// The list of skipped tests could not be kept.
    SkippedTests { path: PathBuf, source: io::Error },
    /// The folder of the JUnit files could not be cleared or read.
    JunitFiles { folder: PathBuf, source: io::Error },
    /// A part that Qt needs is missing and was not installed.
    Missing(Advice),
}

impl Error {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Error::Usage(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(what) => f.write_str(what),
            Error::Run { command, source } => write!(f, "could not run `{command}`: {source}"),
            Error::Metadata => f.write_str("cargo could not describe the workspace; see above"),
            Error::MetadataAnswer(what) => {
                write!(f, "cargo's description of the workspace has an unexpected format: {what}")
            }
            Error::Incomplete { package, missing } => {
                write!(f, "the package of {package} lacks {}", missing.join(", "))
            }
            Error::Write { path, source } => {
                write!(f, "could not write `{}`: {source}", path.display())
            }
            Error::SkippedTests { path, source } => {
                let path = path.display();
                write!(f, "could not keep the list of skipped tests, `{path}`: {source}")
            }
            Error::JunitFiles { folder, source } => {
                let folder = folder.display();
                write!(f, "could not clear or read the folder of JUnit files, `{folder}`: {source}")
            }
            Error::Missing(advice) => advice.fmt(f),
            Error::Kinds(problems) => {
                f.write_str("not every test would be run and counted")?;
                problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))?;
                f.write_str("\nthe table of kinds is in xtask/src/test/kinds.rs")
            }
        }
    }
}
