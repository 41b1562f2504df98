//! Mistakes that a user can make with `qobject!`, one per file: each is reported once, at the
//! user's own token. Every form that is allowed compiles.

#[test]
fn qobject_errors() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/every_form.rs");
    cases.compile_fail("tests/ui/fail_*.rs");
}
