//! How the types of two programs are compared: with made-up values, which reach no panic hook;
//! types that cannot be compared are reported once, or refused. One program on both sides makes up
//! none.

use mpcore::{CallError, ExceptionKind, ProcessState, RunFailure};
use system_tests::controller_program::ControllerProgram;
use system_tests::transport::transport;
use system_tests::wary::{GuardControl, GuardProcess, News, PickyControl, Wary};
use system_tests::{LONG, outcome};

const PICKY: &str = env!("CARGO_BIN_EXE_picky");

/// A made-up value would end this program, or the child.
#[cfg(target_os = "linux")]
#[test]
fn one_program_on_both_sides_makes_up_no_values() {
    let builders = [
        GuardControl::builder().child::<GuardProcess>(),
        GuardControl::builder().in_process::<GuardProcess>(),
    ];
    for builder in builders {
        let guard = builder.config(Wary::REAL).transport(transport()).spawn().unwrap();
        let met = guard.signals().met.receiver();
        assert_eq!(outcome(guard.echo(Wary::REAL)), Ok(vec![Wary::REAL]));
        assert_eq!(met.recv_timeout(LONG), Ok((Wary::REAL,)));
        assert_eq!(guard.last(), Wary::REAL);
        guard.process().stop();
        guard.process().join(LONG).unwrap();
        assert_eq!(guard.process().state(), ProcessState::Finished);
    }
}

/// Regression: it ended the application, from inside `spawn`.
#[test]
fn a_panic_on_a_made_up_value_reaches_no_hook() {
    let mut program = ControllerProgram::start(PICKY, &["control"]);
    assert_eq!(program.line("ready"), "Ok(())");
    assert_eq!(program.line("raised"), "Ok(Level(9001))");
    assert_eq!(program.line("told"), "Ok(\"Mail(Port(\\\"COM3\\\"), -7)\")");
    assert_eq!(program.end(), 70, "its own panics are reported");
}

/// All cases in one test: the report comes once per program.
#[test]
fn types_that_cannot_be_compared_are_reported_once_or_refused() {
    let builder = || PickyControl::builder().program(PICKY).transport(transport());
    let strict = builder().compare_strictly().spawn().unwrap();
    let refused = outcome(strict.tell(News::None));
    let Err(CallError::Exited(report)) = refused else { panic!("{refused:?}") };
    let Some(why @ RunFailure::Mismatch(_)) = &report.failure else { panic!("{report:?}") };
    let hidden = "command `tell(news: News) -> String`, argument `news`: `News::Mail.1`";
    assert!(why.to_string().contains(&format!("{hidden} cannot be compared")), "{why}");

    for first in [true, false] {
        let picky = builder().build().unwrap();
        let (raised, ready) = (
            picky.signals().exception_raised.receiver(),
            picky.process().signals().ready.receiver(),
        );
        picky.process().start().unwrap();
        // Reported before.
        assert_eq!(ready.recv_timeout(LONG), Ok(()));
        assert_eq!(outcome(picky.tell(News::None)).as_deref(), Ok("None"));
        let Some((exception,)) = raised.try_recv() else {
            assert!(!first, "it is not reported");
            continue;
        };
        assert!(first, "it is reported twice: {exception}");
        assert_eq!(exception.kind, ExceptionKind::NotCompared);
        assert!(exception.message.contains(hidden), "{exception}");
        assert_eq!((exception.pid, exception.command), (picky.process().pid(), None));
    }
}
