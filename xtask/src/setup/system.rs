//! The parts of the machine that setup inspects; tests replace it with a fake.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::command_line::CommandLine;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Os {
    /// Linux and similar systems.
    Unix,
    Mac,
    Windows,
}

pub(crate) trait System {
    fn os(&self) -> Os;

    /// The environment variable, if it is set and not empty.
    fn variable(&self, name: &str) -> Option<OsString>;

    /// The output of the program; `None` if there is no such program or it fails.
    fn answer(&self, program: &OsStr, args: &[&str]) -> Option<String>;

    fn has_file(&self, path: &Path) -> bool;

    /// The files and folders in a folder; empty if it cannot be read.
    fn entries(&self, folder: &Path) -> Vec<PathBuf>;
}

/// The real machine.
#[derive(Debug)]
pub(crate) struct Machine;

impl System for Machine {
    fn os(&self) -> Os {
        match env::consts::OS {
            "windows" => Os::Windows,
            "macos" => Os::Mac,
            _ => Os::Unix,
        }
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        env::var_os(name).filter(|value| !value.is_empty())
    }

    fn answer(&self, program: &OsStr, args: &[&str]) -> Option<String> {
        let command = CommandLine::new(program).args(args);
        let answer = command.answer(Path::new("."), Stdio::null()).ok()??;
        Some(String::from_utf8_lossy(&answer).into_owned())
    }

    fn has_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn entries(&self, folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
    }
}

#[cfg(test)]
pub(crate) mod fake {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// A machine made of tables. Paths use `/`.
    #[derive(Debug, Clone)]
    pub(crate) struct Fake {
        pub(crate) os: Os,
        pub(crate) variables: BTreeMap<&'static str, &'static str>,
        /// Command lines and their output.
        pub(crate) answers: BTreeMap<&'static str, &'static str>,
        pub(crate) files: BTreeSet<&'static str>,
    }

    impl Fake {
        pub(crate) fn new(os: Os) -> Self {
            let (variables, answers, files) = Default::default();
            Fake { os, variables, answers, files }
        }

        pub(crate) fn variable(mut self, name: &'static str, value: &'static str) -> Self {
            self.variables.insert(name, value);
            self
        }

        pub(crate) fn answer(mut self, command: &'static str, answer: &'static str) -> Self {
            self.answers.insert(command, answer);
            self
        }

        pub(crate) fn files(mut self, files: impl IntoIterator<Item = &'static str>) -> Self {
            self.files.extend(files);
            self
        }
    }

    impl System for Fake {
        fn os(&self) -> Os {
            self.os
        }

        fn variable(&self, name: &str) -> Option<OsString> {
            self.variables.get(name).filter(|value| !value.is_empty()).map(OsString::from)
        }

        fn answer(&self, program: &OsStr, args: &[&str]) -> Option<String> {
            let command = [&[program.to_str().unwrap()], args].concat().join(" ");
            self.answers.get(command.as_str()).map(|&answer| answer.to_owned())
        }

        fn has_file(&self, path: &Path) -> bool {
            self.files.contains(path.to_str().unwrap())
        }

        fn entries(&self, folder: &Path) -> Vec<PathBuf> {
            let inside = self.files.iter().filter_map(|file| {
                let first = Path::new(file).strip_prefix(folder).ok()?.components().next()?;
                Some(folder.join(first))
            });
            inside.collect::<BTreeSet<_>>().into_iter().collect()
        }
    }

    #[test]
    fn a_fake_folder_has_what_is_directly_in_it() {
        let system = Fake::new(Os::Unix).files(["/a/b/c", "/a/b/d", "/a/e", "/f"]);
        let entries = |folder: &str| system.entries(Path::new(folder));
        assert_eq!(entries("/a"), [Path::new("/a/b"), Path::new("/a/e")]);
        assert_eq!(entries("/a/e"), [] as [&Path; 0]);
        assert_eq!(entries("/none"), [] as [&Path; 0]);
    }
}
