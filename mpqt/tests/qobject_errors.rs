//! The mistakes a user can make with `qobject!`, one per file, and how each is told: at the user's own
//! token, and once.

#[test]
fn qobject_errors() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/every_form.rs");
    cases.compile_fail("tests/ui/fail_*.rs");
}
