//! A config of any size: the caller does not wait while it is encoded, and the child gets it whole.
//! One that cannot be encoded fails the run.

use std::sync::{Condvar, Mutex};

use mpcore::{CallError, ControlBuilder, ProcessState, RestartPolicy, RunFailure};
use serde::{Deserialize, Serialize, Serializer};
use system_tests::transport::transport;
use system_tests::{BenchConfig, Blob, LONG, bench, outcome, until};

const BENCH: &str = env!("CARGO_BIN_EXE_bench_child");

/// Larger than what is encoded on the caller's thread.
const LARGE: usize = 1 << 20;

/// Where the user's `Serialize` waits, like a slow one.
#[derive(Debug, Default)]
struct Gate {
    shut: Mutex<bool>,
    opened: Condvar,
}

static GATE: Gate = Gate { shut: Mutex::new(false), opened: Condvar::new() };

impl Gate {
    fn set(&self, shut: bool) {
        *self.shut.lock().unwrap() = shut;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let shut = self.shut.lock().unwrap();
        drop(self.opened.wait_while(shut, |shut| *shut).unwrap());
    }
}

/// Opens the gate at the end of a test, even if it panics.
struct Shut;

impl Drop for Shut {
    fn drop(&mut self) {
        GATE.set(false);
    }
}

fn shut() -> Shut {
    GATE.set(true);
    Shut
}

#[derive(Debug, Default, Deserialize)]
struct Config {
    bytes: Blob,
    refuses: bool,
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let done = (&self.bytes, self.refuses).serialize(serializer)?;
        GATE.pass();
        if self.refuses { Err(serde::ser::Error::custom("in no mood to leave")) } else { Ok(done) }
    }
}

#[mpcore::process(config = Config)]
trait Keeper {
    /// Returns how many bytes its config had.
    fn kept(&mut self) -> usize;
}

#[derive(mpcore::Child)]
#[child(Keeper)]
struct KeeperProcess {
    config: Config,
}

impl Keeper for KeeperProcess {
    fn kept(&mut self) -> usize {
        self.config.bytes.0.len()
    }
}

fn config(bytes: usize) -> Config {
    Config { bytes: Blob::numbered(bytes), refuses: false }
}

/// In a process and on a thread.
fn builders() -> [ControlBuilder<KeeperControl>; 2] {
    let builder = || KeeperControl::builder().transport(transport());
    [builder().child::<KeeperProcess>(), builder().in_process::<KeeperProcess>()]
}

/// All cases of the gate in one test, since the process has only one.
#[test]
fn start_does_not_wait_for_a_large_config() {
    for builder in builders() {
        let shut = shut();
        // If `spawn` waited, it would not return.
        let keeper = builder.config(config(LARGE)).spawn().unwrap();
        let call = keeper.kept();
        drop(shut);
        assert_eq!(outcome(call), Ok(LARGE));
        // The next run encodes another one.
        keeper.process().restart().unwrap();
        until("the next run", || keeper.process().generation() == 2);
        assert_eq!(outcome(keeper.kept()), Ok(LARGE), "it is kept for every run");
    }

    for builder in builders() {
        let shut = shut();
        let keeper = builder.config(config(LARGE)).build().unwrap();
        let started = keeper.process().signals().started.receiver();
        keeper.process().start().unwrap();
        started.recv_timeout(LONG).expect("there is a child");
        let call = keeper.kept();
        keeper.process().stop();
        // The gate is still shut.
        keeper.process().join(LONG).unwrap();
        assert_eq!(outcome(call), Err(CallError::Stopped));
        let report = keeper.process().exit_report().unwrap();
        assert_eq!((report.state, &report.failure), (ProcessState::Finished, &None), "{report}");
        drop(shut);
        keeper.process().start().unwrap();
        assert_eq!(outcome(keeper.kept()), Ok(LARGE), "the config is encoded once");
    }

    let [builder, _] = builders();
    let shut = shut();
    let keeper = builder.config(config(LARGE)).spawn().unwrap();
    until("there is a child", || keeper.process().pid().is_some());
    keeper.process().kill();
    keeper.process().join(LONG).unwrap();
    drop(shut);
}

#[test]
fn a_large_config_that_cannot_be_encoded_is_the_runs_failure() {
    for builder in builders() {
        let config = Config { bytes: Blob::numbered(LARGE), refuses: true };
        let builder = builder.config(config).restart(RestartPolicy::on_crash());
        let keeper = builder.build().unwrap();
        let gave_up = keeper.process().signals().gave_up.receiver();
        keeper.process().start().unwrap();
        let end = gave_up.recv_timeout(LONG).expect("another start would fail as well").0;
        let Some(why @ RunFailure::Config(_)) = &end.report.failure else { panic!("{end}") };
        assert!(why.to_string().contains("in no mood to leave"), "{why}");
        assert_eq!(end.report.state, ProcessState::Failed);
    }
}

#[test]
fn the_config_arrives() {
    let settings = (0..1000).map(|it| (format!("key {it}"), it)).collect();
    let config = BenchConfig { settings, ..BenchConfig::default() };
    let bench = bench::builder(BENCH).config(config.clone()).spawn().unwrap();
    assert_eq!(outcome(bench.settings()), Ok(config.settings));
}
