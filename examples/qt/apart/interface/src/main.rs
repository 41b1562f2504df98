//! The child's program, without Qt. Not meant to be run by hand.

fn main() {
    mpcore::child_main::<apart_interface::WordCounterProcess>()
}
