//! What the manifests promise: everything that is published has what a registry shows and the
//! licences, nothing else can be published, and every page names the same version of Rust.

use std::fs;
use std::process::Command;

use serde_json::Value;
use system_tests::repository::root;

const PUBLISHED: [&str; 3] = ["mpcore", "mpmacros", "mpqt"];

/// The members of the workspace, as cargo reads their manifests.
fn packages() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let output = cargo.current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("cargo answers in JSON");
    answer["packages"].as_array().expect("there are packages").clone()
}

fn published() -> Vec<Value> {
    let mut all = packages();
    all.retain(|package| PUBLISHED.iter().any(|name| package["name"] == **name));
    assert_eq!(all.len(), PUBLISHED.len());
    all
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn nothing_but_the_three_crates_can_be_published() {
    for package in packages() {
        let may = package["publish"].is_null();
        let listed = PUBLISHED.iter().any(|name| package["name"] == **name);
        assert_eq!(may, listed, "{}: `publish` in its manifest", package["name"]);
    }
}

#[test]
fn what_is_published_says_what_it_is() {
    for package in published() {
        for key in ["description", "license", "readme", "rust_version"] {
            let text = package[key].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{}: no {key} in its manifest", package["name"]);
        }
        for key in ["keywords", "categories"] {
            let words = package[key].as_array().map_or(0, Vec::len);
            assert!((1..=5).contains(&words), "{}: {words} {key}", package["name"]);
        }
        // Without settings docs.rs builds the default features only.
        let features = package["features"].as_object().is_some_and(|it| !it.is_empty());
        let configured = !package["metadata"]["docs"]["rs"].is_null();
        assert_eq!(features, configured, "{}: settings for docs.rs", package["name"]);
    }
}

#[test]
fn what_is_published_has_the_licences() {
    for name in PUBLISHED {
        for file in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let same = read(&format!("{name}/{file}")) == read(file);
            assert!(same, "{name}/{file} is not {file} of the repository");
        }
    }
}

#[test]
fn every_page_names_the_same_version_of_rust() {
    let version = published()[0]["rust_version"].as_str().unwrap_or_default().to_owned();
    let declared = format!("rust-version = \"{version}\"");
    let written = format!("Rust {version}");
    for (file, text, times) in [
        ("Cargo.toml", &declared, 1),
        ("fuzz/Cargo.toml", &declared, 1),
        ("tests/types/Cargo.toml", &declared, 1),
        ("README.md", &written, 2),
        ("mpcore/README.md", &written, 1),
        ("mpqt/README.md", &written, 1),
        ("docs/releasing.md", &format!("cargo +{version} "), 1),
    ] {
        let found = read(file).matches(text.as_str()).count();
        assert_eq!(found, times, "{file}: how often it has `{text}`");
    }
    for package in published() {
        assert_eq!(package["rust_version"], *version, "{}", package["name"]);
    }
}
