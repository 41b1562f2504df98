//! How children end, by themselves or by request, and how they start again; with a bench whose
//! `cleanup` can be observed.

mod controller_death;
mod death;
mod exit_policy;
mod finish;
mod grandchildren;
mod handles;
mod hang;
mod joined;
mod process_handle;
mod restart;
mod start_again;
mod stop;
mod stop_reason;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use mpcore::ExitReport;
use system_tests::bench::builder;
use system_tests::{BenchConfig, BenchControl, LONG};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

/// A way to end a child.
type ProcessEnd = fn(&BenchControl);

/// A bench whose `cleanup` can be observed from outside.
struct Logged {
    _folder: tempfile::TempDir,
    log: PathBuf,
    config: BenchConfig,
}

impl Logged {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("cleanup");
        let cleanup_log = Some(log.to_string_lossy().into_owned());
        let config = BenchConfig { cleanup_log, ..BenchConfig::default() };
        Self { _folder: folder, log, config }
    }

    fn builder(&self) -> mpcore::ControlBuilder<BenchControl> {
        builder(CHILD).config(self.config.clone())
    }

    /// Returns the processes in which `cleanup` has run.
    fn pids(&self) -> Vec<u32> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().map(|line| line.parse().unwrap()).collect()
    }
}

fn joined(bench: &BenchControl) -> Arc<ExitReport> {
    bench.process().join(LONG).unwrap();
    bench.process().exit_report().unwrap()
}
