//! The test child as a program of its own.

fn main() {
    mpcore::child_main::<system_tests::BenchProcess>()
}
