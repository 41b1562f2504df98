//! The child of the trial `neighbours`, as a program of its own.

fn main() {
    mpcore::child_main::<system_tests::neighbour::NeighbourProcess>()
}
