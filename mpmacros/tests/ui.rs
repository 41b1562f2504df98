//! Tests of the macros as users see them: code that must compile, and the errors for each mistake,
//! at most three. One rule per file.

use std::fs;

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}

/// The maximum number of errors for one mistake.
const MOST_ERRORS: usize = 3;

/// The files with more than one mistake, and how many. All other files have one.
const SEVERAL: &[(&str, usize)] = &[
    ("argument_patterns", 5),
    ("child_field_types", 4),
    ("child_fields", 8),
    ("child_keys", 6),
    ("child_kinds", 4),
    ("child_without_interface", 6),
    ("culprits", 4),
    ("deprecated_command", 7),
    ("generic_command", 4),
    ("invalid_names", 6),
    ("main_form", 4),
    ("mark_keys", 11),
    ("missing_semicolon", 3),
    ("no_serde", 7),
    ("process_keys", 5),
    ("receiver", 6),
    ("references", 7),
    ("repeated_marks", 4),
    ("reserved_on_the_control", 9),
    ("running_rules_arguments", 4),
    ("running_rules_on_others", 6),
    ("several", 11),
    ("timeout_forms", 8),
    ("timeout_range", 4),
    ("what_to_write", 9),
];

/// A user's item with a generated name: rustc looks for every generated field in it. Its first
/// error is the one that explains the mistake.
const FOR_EVERY_FIELD: &str = "clashing_items";

#[test]
fn one_mistake_makes_at_most_three_errors() {
    let mut files = 0;
    for entry in fs::read_dir("tests/ui/fail").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "stderr") {
            continue;
        }
        files += 1;
        let name = path.file_stem().unwrap().to_str().unwrap();
        let mistakes =
            SEVERAL.iter().find(|(file, _)| *file == name).map_or(1, |(_, count)| *count);
        let text = fs::read_to_string(&path).unwrap();
        let errors = text.lines().filter(|line| line.starts_with("error")).count();
        if name == FOR_EVERY_FIELD {
            assert!(text.starts_with("error[E0428]: the name `LaserContext` is defined"), "{text}");
            continue;
        }
        assert!(
            (mistakes..=MOST_ERRORS * mistakes).contains(&errors),
            "{name}: {errors} errors of {mistakes} mistakes"
        );
    }
    assert!(files > 0 && SEVERAL.iter().all(|(_, mistakes)| *mistakes > 1));
}
