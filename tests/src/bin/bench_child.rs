//! The test child as a binary of its own.

fn main() {
    mpcore::child_main::<system_tests::BenchProcess>()
}
