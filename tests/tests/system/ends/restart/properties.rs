//! Property writes that are replayed to the next run.

use mpcore::{CallError, ExceptionKind, RestartPolicy};
use system_tests::phoenix::PhoenixConfig;
use system_tests::{Journal, LONG, outcome, until};

use super::{builder, kill, kill_and_wait, late, ready, soon, until_run};

#[test]
fn accepted_writes_are_replayed_before_waiting_commands() {
    let policy = late(RestartPolicy::on_crash());
    let phoenix = ready(builder().restart(policy).reapply_properties());
    let journal = Journal::new();
    let note = journal.clone();
    phoenix.process().signals().call_ended.connect(move |end| {
        note.note(format!("ended {}", end.command));
    });
    let note = journal.clone();
    phoenix.signals().label_changed.connect(move |label| note.note(format!("label {label:?}")));
    journal.until_line("label");
    outcome(phoenix.set_power(2.0)).unwrap();
    outcome(phoenix.set_label("left".into())).unwrap();
    outcome(phoenix.set_power(2.5)).unwrap();
    assert!(matches!(outcome(phoenix.set_power(9.0)), Err(CallError::Raised(_))));

    kill_and_wait(&phoenix);
    let waits = phoenix.generation();
    phoenix.process().start().unwrap();
    assert_eq!(outcome(waits), Ok(2));
    assert_eq!(
        phoenix.power().to_bits(),
        2.5_f64.to_bits(),
        "the held value is not the refused one"
    );

    // Between two runs it is an ordinary write, and comes after the old one.
    kill_and_wait(&phoenix);
    drop(phoenix.set_label("right".into()));
    phoenix.process().start().unwrap();
    assert_eq!(outcome(phoenix.generation()), Ok(3));
    assert_eq!(phoenix.label(), "right");

    // By a manual restart, and by a stop and a start.
    phoenix.process().restart().unwrap();
    until_run(&phoenix, 4);
    assert_eq!(outcome(phoenix.generation()), Ok(4));
    assert_eq!((phoenix.label().as_str(), phoenix.power().to_bits()), ("right", 2.5_f64.to_bits()));
    phoenix.process().stop();
    phoenix.process().join(LONG).unwrap();
    phoenix.process().start().unwrap();
    assert_eq!(outcome(phoenix.generation()), Ok(5));
    assert_eq!(phoenix.label(), "right");

    let lines = journal.until_lines("ended generation", 4);
    let ended: Vec<_> = lines.iter().filter(|line| line.starts_with("ended")).collect();
    let writes = ["ended set_power", "ended set_label", "ended set_power", "ended set_power"];
    let rest = ["ended generation", "ended set_label"];
    let later = ["ended generation"; 3];
    let expected = [&writes[..], &rest, &later].concat();
    assert_eq!(ended, expected, "replayed writes have no call");
    assert_eq!(journal.count("label \"\""), 1, "a value that is written again is kept meanwhile");
    assert_eq!(phoenix.process().pending_commands(), 0);
}

#[test]
fn a_write_that_the_new_child_refuses_is_reported() {
    let config = PhoenixConfig { grows_timid: true, ..PhoenixConfig::default() };
    let phoenix = ready(builder().config(config).restart(soon()).reapply_properties());
    let raised = phoenix.signals().exception_raised.receiver();
    let write = phoenix.set_power(4.0);
    let number = write.id();
    outcome(write).unwrap();
    kill(&phoenix);
    let crash = raised.recv_timeout(LONG).unwrap().0;
    assert_eq!(crash.kind, ExceptionKind::Crashed { commands_lost: 0 });
    let refusal = raised.recv_timeout(LONG).unwrap().0;
    assert_eq!((refusal.command, refusal.call), (Some("set_power"), Some(number)));
    assert_eq!(
        (refusal.kind, refusal.message.as_str()),
        (ExceptionKind::Raised, "refused: too bright")
    );
    assert_eq!(outcome(phoenix.generation()), Ok(2));
    assert_eq!(phoenix.power().to_bits(), 1.0_f64.to_bits());
}

#[test]
fn a_replayed_write_cannot_be_cancelled_by_its_original_call() {
    let policy = late(RestartPolicy::on_crash());
    let phoenix = ready(builder().restart(policy).reapply_properties());
    let write = phoenix.set_power(2.5);
    until("the write has come back", || phoenix.process().pending_commands() == 0);
    kill_and_wait(&phoenix);
    phoenix.process().start().unwrap();
    write.cancel();
    phoenix.process().cancel_all();
    phoenix.process().wait_ready(LONG).unwrap();
    assert_eq!(outcome(phoenix.generation()), Ok(2));
    assert_eq!(phoenix.power().to_bits(), 2.5_f64.to_bits());
}

#[test]
fn by_default_no_write_is_replayed() {
    let phoenix = ready(builder().restart(soon()));
    outcome(phoenix.set_power(2.5)).unwrap();
    phoenix.process().restart().unwrap();
    until_run(&phoenix, 2);
    assert_eq!(outcome(phoenix.generation()), Ok(2));
    assert_eq!(phoenix.power().to_bits(), 1.0_f64.to_bits());
}
