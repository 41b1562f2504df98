//! The child's program, without any Qt in it. Not to be run by hand.

fn main() {
    mpcore::child_main::<apart_interface::WordCounterProcess>()
}
