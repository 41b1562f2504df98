//! A controller whose child is this binary again, to be killed at a given moment, or to end in a given
//! way: `controller MOMENT ENDING CLEANUP_LOG`.
//!
//! It tells its child's and its grandchild's number, then `there` when the moment has come.

use std::io::Write as _;
use std::time::Duration;

use system_tests::bench::until_begun;
use system_tests::{BenchConfig, BenchControl, BenchProcess, LONG, processes, until};

fn say(line: &str) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).expect("the test listens");
}

fn main() {
    mpcore::init();
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("MOMENT ENDING CLEANUP_LOG");
    let (moment, ending, log) = (next(), next(), next());
    // Short where it has to pass, and long enough for `cleanup` on a loaded machine where not.
    let grace = match moment.as_str() {
        "busy" | "stopped in a command" => Duration::from_millis(500),
        _ => Duration::from_secs(20),
    };
    let config = BenchConfig { cleanup_log: Some(log), ..BenchConfig::default() };
    let bench = BenchControl::builder()
        .child::<BenchProcess>()
        .config(config)
        .stop_grace(grace)
        .stdout(mpcore::Output::Null)
        .spawn()
        .expect("the child starts");
    bench.process().wait_ready(LONG).expect("the child gets ready");
    let pid = bench.process().pid().expect("a child process has a number");
    say(&format!("child {pid}"));
    let grandchild = bench.start_grandchild().wait().expect("the grandchild starts");
    say(&format!("grandchild {grandchild}"));
    reach(&moment, &bench, pid);
    say("there");
    end(&ending, bench);
}

fn reach(moment: &str, bench: &BenchControl, pid: u32) {
    match moment {
        "idle" => {}
        "busy" => {
            bench.ignore_everything(600_000);
            until_begun(bench, 1);
        }
        "result" => {
            bench.make_bytes(256 << 20);
            until_begun(bench, 1);
        }
        "argument" => {
            bench.echo(system_tests::Blob::numbered(256 << 20));
            until("some of it has arrived", || processes::resident_mib(pid) > 32);
        }
        "stopped" => processes::freeze(pid),
        "stopped in a command" => {
            bench.ignore_everything(600_000);
            until_begun(bench, 1);
            processes::freeze(pid);
        }
        other => panic!("no moment `{other}`"),
    }
}

fn end(ending: &str, bench: BenchControl) {
    match ending {
        "wait" => std::thread::sleep(Duration::from_secs(600)),
        "exit" => std::process::exit(3),
        "panic" => panic!("on purpose"),
        "abort" => std::process::abort(),
        "return" => drop(bench),
        "forget" => std::mem::forget(bench),
        "stop and exit" => {
            bench.process().stop();
            std::process::exit(0);
        }
        "shutdown" => {
            let finished = bench.process().signals().finished.receiver();
            let all = mpcore::shutdown(LONG);
            let state = finished.try_recv().map_or("unheard".into(), |it| it.0.state.to_string());
            say(&format!("shut down {all} {state}"));
        }
        other => panic!("no ending `{other}`"),
    }
}
