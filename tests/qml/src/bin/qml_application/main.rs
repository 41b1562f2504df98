//! Applications for `tests/qml_applications.rs`, one per process: `qml_application NAME`. The tests
//! check what is printed on stdout, by the document on stderr, and the exit code.

mod attached;
mod documents;
mod engines;
#[cfg(target_os = "linux")]
mod rounds;

use std::error::Error;
use std::process::ExitCode;

/// The error type of an application that fails.
type Outcome = Result<ExitCode, Box<dyn Error>>;

type Application = fn() -> Outcome;

/// By their names on the command line.
const APPLICATIONS: &[(&str, Application)] = &[
    ("does_not_load", documents::does_not_load),
    ("missing_file", documents::missing_file),
    ("file", documents::file),
    ("exits", documents::exits),
    ("says_last", documents::says_last),
    ("both_say_last", documents::both_say_last),
    ("second_application", documents::second_application),
    ("other_thread", documents::other_thread),
    ("inbox_elsewhere", documents::inbox_elsewhere),
    ("remote", documents::remote),
    ("shown_without_control", documents::shown_without_control),
    ("attached", attached::attached),
    ("attached_wrongly", attached::attached_wrongly),
    ("panicking_handler", attached::panicking_handler),
    ("waiting_handler", attached::waiting_handler),
    ("finishes", attached::finishes),
    ("destroyed", attached::destroyed),
    ("late", attached::late),
    ("second_engine", engines::second_engine),
    #[cfg(target_os = "linux")]
    ("engine_elsewhere", engines::engine_elsewhere),
    #[cfg(target_os = "linux")]
    ("rounds", rounds::rounds),
];

fn main() -> ExitCode {
    mpqt::init();
    mpqt::testing::offscreen_without_a_display();
    qml_tests::register();
    let name = std::env::args().nth(1).unwrap_or_default();
    let Some((_, application)) = APPLICATIONS.iter().find(|(known, _)| name == *known) else {
        eprintln!("there is no application `{name}`");
        return ExitCode::from(100);
    };
    application().unwrap_or_else(|error| {
        println!("error: {error}");
        ExitCode::from(101)
    })
}

/// Returns an argument of the command line.
fn argument(index: usize) -> String {
    std::env::args().nth(index).unwrap_or_default()
}
