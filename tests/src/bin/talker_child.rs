//! The child that prints, as a program of its own.

fn main() {
    mpcore::child_main::<system_tests::talker::TalkerProcess>()
}
