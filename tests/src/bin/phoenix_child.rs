//! The child that comes back, as a binary of its own.

fn main() {
    mpcore::child_main::<system_tests::phoenix::PhoenixProcess>()
}
