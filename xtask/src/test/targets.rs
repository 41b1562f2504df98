//! The test targets, as reported by cargo; with the names of the packages, and the lists of QML
//! tests that may fail.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::command_line::CommandLine;
use crate::error::Error;

/// The part of `cargo metadata` that describes tests.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) root: PathBuf,
    /// The names of its members, including those without tests.
    pub(super) packages: Vec<String>,
    /// Lists of QML tests that may fail: what Qt reads in the folder of a package.
    pub(super) blacklists: Vec<PathBuf>,
    pub(super) targets: Vec<Target>,
}

/// A target that cargo would run as a test.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) package: String,
    pub(super) name: String,
    pub(super) kind: TargetKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetKind {
    Library,
    Program,
    /// A file of the folder `tests`.
    TestFile,
    /// The documentation of a library. Cargo has it as a property of the library.
    Docs,
    /// An example or a benchmark that has `test = true`, or a newer kind of target.
    Other,
}

impl Workspace {
    pub(super) fn ask_cargo() -> Result<Workspace, Error> {
        let metadata = CommandLine::cargo(["metadata", "--format-version", "1", "--no-deps"]);
        let answer = metadata.answer(Path::new("."), Stdio::inherit())?.ok_or(Error::Metadata)?;
        let answer = serde_json::from_slice(&answer)
            .map_err(|error| Error::MetadataAnswer(error.to_string()))?;
        Workspace::read(&answer, Path::exists)
            .map_err(|missing| Error::MetadataAnswer(format!("no {missing}")))
    }

    /// The error names what is missing.
    fn read(metadata: &Value, exists: impl Fn(&Path) -> bool) -> Result<Workspace, &'static str> {
        let root = text(metadata, "workspace_root")?.into();
        let (mut packages, mut blacklists, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        for package in list(metadata, "packages")? {
            let name = text(package, "name")?;
            packages.push(name.to_owned());
            let manifest = Path::new(text(package, "manifest_path")?);
            blacklists.extend(Some(manifest.with_file_name("BLACKLIST")).filter(|it| exists(it)));
            for target in list(package, "targets")? {
                let kind = match list(target, "kind")?.first().and_then(Value::as_str) {
                    Some("bin") => TargetKind::Program,
                    Some("test") => TargetKind::TestFile,
                    Some("lib" | "rlib" | "dylib" | "cdylib" | "staticlib" | "proc-macro") => {
                        TargetKind::Library
                    }
                    _ => TargetKind::Other,
                };
                let target_of = |kind| -> Result<Target, &'static str> {
                    let (package, name) = (name.to_owned(), text(target, "name")?.to_owned());
                    Ok(Target { package, name, kind })
                };
                if flag(target, "test")? {
                    targets.push(target_of(kind)?);
                }
                if flag(target, "doctest")? {
                    targets.push(target_of(TargetKind::Docs)?);
                }
            }
        }
        Ok(Workspace { root, packages, blacklists, targets })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            TargetKind::Library => "lib",
            TargetKind::Program => "bin",
            TargetKind::TestFile => "test",
            TargetKind::Docs => "doc",
            TargetKind::Other => "target",
        };
        write!(f, "{kind} `{}` of {}", self.name, self.package)
    }
}

fn text<'a>(value: &'a Value, key: &'static str) -> Result<&'a str, &'static str> {
    value[key].as_str().ok_or(key)
}

fn list<'a>(value: &'a Value, key: &'static str) -> Result<&'a [Value], &'static str> {
    value[key].as_array().map(Vec::as_slice).ok_or(key)
}

fn flag(value: &Value, key: &'static str) -> Result<bool, &'static str> {
    value[key].as_bool().ok_or(key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_target_that_is_a_test_is_found() {
        let target = |kind, name, test, doctest| json!({ "kind": [kind], "name": name, "test": test, "doctest": doctest });
        let metadata = json!({
            "workspace_root": "/somewhere",
            "packages": [
                { "name": "a", "manifest_path": "/somewhere/a/Cargo.toml", "targets": [
                    target("lib", "a", true, true),
                    target("bin", "tool", true, false),
                    target("test", "whole", true, false),
                    target("example", "shown", false, false),
                    target("example", "tested", true, false),
                    target("custom-build", "build-script-build", false, false),
                ] },
                { "name": "b", "manifest_path": "/somewhere/b/Cargo.toml", "targets": [
                    target("proc-macro", "b", true, false),
                ] },
                { "name": "c", "manifest_path": "/somewhere/c/Cargo.toml", "targets": [] },
            ],
        });
        let workspace =
            Workspace::read(&metadata, |path| path.starts_with("/somewhere/b")).unwrap();
        let found: Vec<_> = workspace.targets.iter().map(ToString::to_string).collect();
        let expected = [
            "lib `a` of a",
            "doc `a` of a",
            "bin `tool` of a",
            "test `whole` of a",
            "target `tested` of a",
            "lib `b` of b",
        ];
        assert_eq!(found, expected);
        assert_eq!(workspace.packages, ["a", "b", "c"]);
        assert_eq!(workspace.blacklists, [Path::new("/somewhere/b/BLACKLIST")]);
    }

    #[test]
    fn a_missing_target_is_named() {
        let package = json!({ "name": "a", "manifest_path": "/", "targets": [{ "kind": ["lib"], "name": "a" }] });
        for (metadata, missing) in [
            (json!({}), "workspace_root"),
            (json!({ "workspace_root": "/" }), "packages"),
            (json!({ "workspace_root": "/", "packages": [package] }), "test"),
        ] {
            assert_eq!(Workspace::read(&metadata, |_| false).unwrap_err(), missing);
        }
    }
}
