//! Finds the name of mpcore in the crate that is being compiled, in its manifest or, if inherited,
//! in that of its workspace: `rpc = { package = "mpcore", .. }` makes it `::rpc`.
//!
//! Cargo gives a macro the path of the manifest, but not its content. Reading one name from it
//! takes only a few lines; a library for all of TOML would be built before every crate with an
//! interface. So this module knows the forms in which a dependency is written, one entry per line,
//! and falls back to `::mpcore` for anything that it does not understand; `crate = ".."` sets the
//! path explicitly.

use std::fs;
use std::path::Path as FilePath;

use proc_macro2::{Ident, Span};
use syn::{Path, parse_quote};

const PACKAGE: &str = "mpcore";

/// Returns the path of mpcore in this crate.
pub(crate) fn mpcore() -> Path {
    let renamed = std::env::var_os("CARGO_MANIFEST_DIR").and_then(|folder| find(folder.as_ref()));
    match renamed.and_then(|name| syn::parse_str::<Ident>(&name.replace('-', "_")).ok()) {
        Some(name) => {
            let name = Ident::new(&name.to_string(), Span::call_site());
            parse_quote!(::#name)
        }
        None => parse_quote!(::mpcore),
    }
}

/// Reads the manifest in this folder and, if necessary, that of its workspace.
fn find(folder: &FilePath) -> Option<String> {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    name(&manifest, || {
        let manifests = folder.ancestors().map(|folder| folder.join("Cargo.toml"));
        let mut manifests = manifests.filter_map(|path| fs::read_to_string(path).ok());
        manifests
            .find(|manifest| manifest.lines().any(|line| line.trim().starts_with("[workspace")))
    })
}

/// Returns the other name of mpcore in this manifest, or `None` if it is not renamed. Reads the
/// root of the workspace if necessary.
fn name(manifest: &str, root: impl FnOnce() -> Option<String>) -> Option<String> {
    let own = entries(manifest, &["dependencies", "dev-dependencies"]);
    if own.iter().any(|entry| entry.name == PACKAGE && entry.package.is_none()) {
        return None;
    }
    if let Some(entry) = own.iter().find(|entry| entry.package.as_deref() == Some(PACKAGE)) {
        return Some(entry.name.clone());
    }
    let mut inherited = own.into_iter().filter(|entry| entry.inherited).peekable();
    inherited.peek()?;
    let of_workspace = entries(&root()?, &["workspace.dependencies"]);
    let is_mpcore = |name: &str| {
        let entry = of_workspace.iter().find(|entry| entry.name == name);
        entry.is_some_and(|entry| entry.package.as_deref() == Some(PACKAGE))
    };
    inherited.find(|entry| is_mpcore(&entry.name)).map(|entry| entry.name)
}

/// The parts of a dependency that matter here.
struct Entry {
    name: String,
    package: Option<String>,
    inherited: bool,
}

/// Returns the dependencies in the tables with these names, including those for one target.
fn entries(manifest: &str, tables: &[&str]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    // The current table, and the dependency if it has a table of its own.
    let mut here: Option<Option<String>> = None;
    for line in manifest.lines() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.split(']').next().unwrap_or_default();
            here = tables.iter().find_map(|table| dependency_of(header, table));
            continue;
        }
        let (Some(of), Some((key, value))) = (&here, line.split_once('=')) else { continue };
        // `name = ..`, `name.key = ..`, or `key = ..` in a table of its own.
        let (name, rest) = match of {
            Some(name) => (name.clone(), format!("{} = {value}", key.trim())),
            None => match key.trim().split_once('.') {
                Some((name, key)) => (unquoted(name), format!("{key} = {value}")),
                None => (unquoted(key), value.to_owned()),
            },
        };
        let at = entries.iter().position(|entry| entry.name == name).unwrap_or_else(|| {
            entries.push(Entry { name, package: None, inherited: false });
            entries.len() - 1
        });
        let entry = &mut entries[at];
        entry.inherited |= given(&rest, "workspace").is_some_and(|value| value.starts_with("true"));
        if let Some(package) = given(&rest, "package") {
            entry.package = package.split('"').nth(1).map(str::to_owned);
        }
    }
    entries
}

/// Returns no name for `[dependencies]` and the name for `[dependencies.rpc]`, also after
/// `target.'cfg(unix)'.`.
fn dependency_of(header: &str, table: &str) -> Option<Option<String>> {
    let own = match header.strip_prefix("target.") {
        // The part in between is quoted, or one word.
        Some(target) => &target[target.rfind(table)?..],
        None => header,
    };
    let rest = own.trim().strip_prefix(table)?;
    match rest.strip_prefix('.') {
        Some(name) => Some(Some(unquoted(name))),
        None => rest.trim().is_empty().then_some(None),
    }
}

/// Returns the value after `key =`.
fn given<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut parts = text.split(['{', ',']).map(str::trim);
    parts.find_map(|part| part.strip_prefix(key)?.trim_start().strip_prefix('=').map(str::trim))
}

fn unquoted(name: &str) -> String {
    name.trim().trim_matches(['"', '\'']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(manifest: &str, expected: Option<&str>) {
        let root = "[workspace]\n[workspace.dependencies]\nshared = { package = \"mpcore\" }\nplain = \"1\"";
        assert_eq!(name(manifest, || Some(root.to_owned())).as_deref(), expected, "{manifest}");
    }

    #[test]
    fn a_renamed_dependency_is_found_however_it_is_written() {
        check("[dependencies]\nrpc = { package = \"mpcore\", version = \"1\" }", Some("rpc"));
        check("[dependencies]\nrpc={version=\"1\",package=\"mpcore\"} # x", Some("rpc"));
        check("[ dependencies ]\n\"my-rpc\" = { package = \"mpcore\" }", Some("my-rpc"));
        check("[dependencies]\nrpc.version = \"1\"\nrpc.package = \"mpcore\"", Some("rpc"));
        check("[dependencies.rpc]\npath = \"x\"\npackage = \"mpcore\"\n[lints]", Some("rpc"));
        check("[dev-dependencies]\nrpc = { package = \"mpcore\" }", Some("rpc"));
        check("[target.'cfg(unix)'.dependencies]\nrpc = { package = \"mpcore\" }", Some("rpc"));
        check("[dependencies]\nshared = { workspace = true }", Some("shared"));
        check("[dependencies]\nshared.workspace = true", Some("shared"));
    }

    #[test]
    fn otherwise_it_has_its_own_name() {
        check("[dependencies]\nmpcore = \"1\"", None);
        check("[dependencies]\nmpcore = { path = \"..\" }\nold = { package = \"mpcore\" }", None);
        check("[dependencies]\nmpcore.workspace = true\nplain.workspace = true", None);
        check("[dependencies]\nplain = { workspace = true }", None);
        check(
            "[package]\nname = \"x\"\n[build-dependencies]\nrpc = { package = \"mpcore\" }",
            None,
        );
        check("[dependencies]\nframework = \"1\" # brings mpcore along", None);
        check("no manifest", None);
    }
}
