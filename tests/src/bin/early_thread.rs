//! The child that tries what its limits forbid, with a thread that was started before `init`.

fn main() {
    system_tests::confined::start_an_early_thread();
    mpcore::child_main::<system_tests::confined::ConfinedProcess>()
}
