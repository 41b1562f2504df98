//! The child that tries what its limits forbid, as a program of its own.

fn main() {
    mpcore::child_main::<system_tests::confined::ConfinedProcess>()
}
