//! The child that is restarted, as a program of its own.

fn main() {
    mpcore::child_main::<system_tests::phoenix::PhoenixProcess>()
}
