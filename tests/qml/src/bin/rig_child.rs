//! The rig as a program of its own. Not meant to be run by hand.

fn main() {
    mpcore::child_main::<qml_tests::RigProcess>()
}
