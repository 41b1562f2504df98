//! A user interface in a crate of its own: it knows only the interface and the path of the child's
//! program.
//!
//! Run: `cargo build -p apart-interface && cargo run -p apart-ui`

use std::process::ExitCode;

mpqt::qobject! {
    struct WordCounterObject: apart_interface::WordCounterControl,
    program = mpqt::beside_me("apart-word-counter")
}

fn main() -> Result<ExitCode, mpqt::RunError> {
    mpqt::init();
    mpqt::register::<WordCounterObject>("Words", 1, 0, "WordCounter");
    mpqt::run(include_str!("main.qml"))
}
