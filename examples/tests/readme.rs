//! The code of the README and of the pages is compiled, and the README's programs do what the
//! README says.

mod runs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use runs::Run;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A code block of a page: the text after its fence, and its lines.
struct Block {
    tag: String,
    lines: Vec<String>,
}

fn trimmed(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).collect()
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    // Text and code alternate.
    for (number, part) in page.split("\n```").enumerate() {
        if number % 2 == 1 {
            let (tag, code) = part.split_once('\n').unwrap_or((part, ""));
            blocks.push(Block { tag: tag.trim().to_owned(), lines: trimmed(code) });
        }
    }
    blocks
}

/// The pages of the repository that readers are sent to.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    for folder in ["docs", "mpcore/docs", "mpcore", "mpmacros", "mpqt"] {
        let files = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(files.filter(|path| path.extension().is_some_and(|it| it == "md")));
    }
    pages
}

/// Sources of programs that are built, and run by tests.
fn programs() -> Vec<Vec<String>> {
    let mut folders = vec![root().join("examples/src/bin"), root().join("examples/qt/src/bin")];
    let mut programs = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension().and_then(|it| it.to_str()) {
                None => folders.push(path),
                Some("rs" | "qml") => programs.push(trimmed(&read(&path))),
                Some(_) => {}
            }
        }
    }
    programs
}

/// Whether rustdoc tests its code, because a page of mpcore's documentation includes it.
fn is_tested_by_rustdoc(page: &Path) -> bool {
    let name = page.file_name().unwrap().to_string_lossy();
    let included = format!("include_str!(\"../../docs/{name}\")");
    read(&root().join("mpcore/src/testing/mod.rs")).contains(&included)
}

/// Regression: a program in the README that no test had built printed nothing.
#[test]
fn all_code_of_the_pages_is_compiled() {
    let programs = programs();
    let (mut rust, mut qml) = (0, 0);
    for page in pages() {
        for Block { tag, lines } in blocks(&read(&page)) {
            let words: Vec<_> = tag.split(',').map(str::trim).collect();
            let place = format!("{}: the block that begins with `{}`", page.display(), lines[0]);
            if ["sh", "text", "toml", "console"].contains(&words[0]) {
                continue;
            }
            if words[0] == "qml" {
                qml += 1;
            } else {
                rust += 1;
            }
            if is_tested_by_rustdoc(&page) {
                assert!(!words.contains(&"ignore"), "{place} is not tested");
                continue;
            }
            let lines: &[String] = match lines.split_last() {
                Some((last, rest)) if last.is_empty() => rest,
                _ => &lines,
            };
            let stands_in =
                |program: &Vec<String>| program.windows(lines.len()).any(|it| it == lines);
            assert!(programs.iter().any(stands_in), "{place} is in no program of examples");
        }
    }
    assert!(
        rust > 5 && qml > 0,
        "{rust} blocks of Rust and {qml} of QML: the test does not see them"
    );
}

#[test]
fn the_first_program_of_the_readme_prints_its_sum() {
    for _ in 0..20 {
        let ended = Run::start(Command::new(env!("CARGO_BIN_EXE_readme"))).end();
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("3\n", ""));
    }
}
