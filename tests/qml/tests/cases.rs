//! Runs the QML test cases of `tests/cases`.

fn main() -> std::process::ExitCode {
    mpqt::init();
    qml_tests::register();
    mpqt::testing::run("cases", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"))
}
