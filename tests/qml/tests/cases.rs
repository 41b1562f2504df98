//! Runs the QML test cases of `tests/cases`.

mpqt::qobject! { pub struct RigObject: qml_tests::RigControl, child = qml_tests::RigProcess }
mpqt::qobject! {
    pub struct CamelRig: qml_tests::RigControl, child = qml_tests::RigProcess, rename_all = "camelCase"
}

fn main() -> std::process::ExitCode {
    mpqt::init();
    mpqt::register::<RigObject>("Rigs", 1, 0, "Rig");
    mpqt::register::<CamelRig>("Rigs", 1, 0, "CamelRig");
    mpqt::testing::run("cases", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"))
}
