//! The project's language: texts that say who acts, and names of tests that can be read.

use std::fs;
use std::path::PathBuf;

use system_tests::repository::{files, root};

/// Words that hide who acts; where they are right, as in the name of a user, they count too.
const VAGUE: [&str; 7] = ["nobody", "whoever", "somebody", "is told", "hears", "who has", "whom"];

/// How often they may occur in all sources and pages.
const MOST: usize = 60;

const LONGEST_TEST_NAME: usize = 60;

/// The sources and pages of the repository, but for this one.
fn texts() -> Vec<(String, String)> {
    let all = files(&["rs", "md", "qml", "cpp", "h", "toml"]);
    let others = all.into_iter().filter(|file| !file.ends_with("language.rs"));
    let read = |file: PathBuf| {
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        (name, fs::read_to_string(&file).unwrap())
    };
    others.map(read).collect()
}

fn count(text: &str) -> usize {
    let text = text.to_lowercase();
    let is_letter = |it: Option<char>| it.is_some_and(|it| it.is_alphanumeric() || it == '_');
    let occurrences = VAGUE.iter().flat_map(|word| text.match_indices(word));
    let whole = occurrences.filter(|(at, word)| {
        !is_letter(text[..*at].chars().next_back())
            && !is_letter(text[at + word.len()..].chars().next())
    });
    whole.count()
}

#[test]
fn texts_say_who_acts() {
    let texts = texts();
    assert!(texts.len() > 300, "{} files are read", texts.len());
    let mut found: Vec<_> = texts
        .iter()
        .map(|(file, text)| (count(text), file))
        .filter(|(count, _)| *count > 0)
        .collect();
    found.sort();
    let all: usize = found.iter().map(|(count, _)| count).sum();
    assert!(all <= MOST, "{all} of {VAGUE:?}, at most {MOST}: {found:#?}");
}

#[test]
fn names_of_tests_are_short() {
    let mut long = Vec::new();
    let mut tests = 0;
    for (file, text) in texts().iter().filter(|(file, _)| file.ends_with(".rs")) {
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            if line.trim() != "#[test]" {
                continue;
            }
            // Other attributes may stand between.
            let declared = lines.by_ref().find(|line| line.trim_start().starts_with("fn "));
            let name = declared.and_then(|line| line.trim_start()[3..].split('(').next());
            let name = name.unwrap_or_default();
            tests += 1;
            if name.len() > LONGEST_TEST_NAME {
                long.push(format!("{file}: {name}"));
            }
        }
    }
    assert!(tests > 800, "{tests} tests are found");
    assert!(long.is_empty(), "longer than {LONGEST_TEST_NAME} characters: {long:#?}");
}

#[test]
fn whole_words_are_counted() {
    assert_eq!(count("Nobody hears of it, whoever is told"), 4);
    assert_eq!(count("hearsay, nobody_else, is tolds, those who have"), 0);
}
