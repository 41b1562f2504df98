//! A controller whose child is this program again, to be killed at a given moment, or to end in a
//! given way: `controller MOMENT ENDING CLEANUP_LOG [GRACE_IN_MILLISECONDS [LANES]]`.
//!
//! It prints the pids of its child and grandchild, then `there` when the moment has come. At the
//! moment `unconnected` the child is a program that never connects, and has no grandchild.

use std::io::Write as _;
use std::time::Duration;

use nix::unistd::{Pid, getsid};
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;
use system_tests::bench::until_begun;
use system_tests::transport::transport;
use system_tests::{BenchConfig, BenchControl, BenchProcess, LONG, outcome, processes, until};

fn say(line: &str) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).expect("the test listens");
}

fn main() {
    mpcore::init();
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("MOMENT ENDING CLEANUP_LOG");
    let (moment, ending, log) = (next(), next(), next());
    let given = arguments.next().map(|it| Duration::from_millis(it.parse().expect("a grace")));
    // Short where the grace has to expire; otherwise long enough for `cleanup` on a loaded machine.
    let grace = given.unwrap_or_else(|| match moment.as_str() {
        "busy" | "stopped in a command" => Duration::from_millis(500),
        _ => Duration::from_secs(20),
    });
    let config = BenchConfig { cleanup_log: Some(log), ..BenchConfig::default() };
    let builder = match moment.as_str() {
        "unconnected" => BenchControl::builder().program(odd_child()).arg("print and sleep"),
        _ => BenchControl::builder().child::<BenchProcess>(),
    };
    let builder = match arguments.next().as_deref() {
        None => builder.transport(transport()),
        Some("default") => builder,
        Some("ipc-channel") => builder.transport(mpcore::Transport::IpcChannel),
        Some(other) => panic!("no lanes `{other}`"),
    };
    let bench = builder
        .config(config)
        .stop_grace(grace)
        .stdout(mpcore::OutputMode::Null)
        .spawn()
        .expect("the child starts");
    if moment == "unconnected" {
        until("there is a process", || bench.process().pid().is_some());
        say(&format!("child {}", bench.process().pid().unwrap_or_default()));
        say("there");
        return end(&ending, bench);
    }
    bench.process().wait_ready(LONG).expect("the child gets ready");
    let pid = bench.process().pid().expect("a child process has a number");
    say(&format!("child {pid}"));
    let grandchild = bench.start_grandchild().wait().expect("the grandchild starts");
    say(&format!("grandchild {grandchild}"));
    reach(&moment, &bench, pid);
    let interrupts = (ending == "interrupt").then(|| Signals::new([SIGINT]));
    say("there");
    match interrupts {
        Some(interrupts) => decide(interrupts.expect("SIGINT can be handled"), &bench),
        None => end(&ending, bench),
    }
}

fn odd_child() -> std::path::PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    own.with_file_name("odd_child")
}

/// Brings the child to the moment.
fn reach(moment: &str, bench: &BenchControl, pid: u32) {
    match moment {
        "idle" => {}
        "busy" => {
            bench.ignore_everything(600_000);
            until_begun(bench, 1);
        }
        "working" => {
            bench.work(600_000);
            until_begun(bench, 1);
        }
        "runaway" => {
            let runaway = outcome(bench.start_runaway()).expect("the runaway starts");
            let pid = i32::try_from(runaway).ok().map(Pid::from_raw);
            until("it has a session of its own", || getsid(pid).ok() == pid);
            say(&format!("runaway {runaway}"));
        }
        "stopping" => {
            bench.ignore_everything(600_000);
            until_begun(bench, 1);
            bench.process().stop();
        }
        "calls" => {
            // Logarithmic: as likely between 1 and 2 KiB as between 1 and 2 MiB.
            let lengths = std::iter::repeat_with(|| (23.0 * fastrand::f64()).exp2() as usize - 1);
            for length in lengths.take(100) {
                bench.echo(system_tests::Blob::numbered(length));
            }
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

/// What a controller may do on Ctrl-C: go on, and end at the second one.
fn decide(mut interrupts: Signals, bench: &BenchControl) {
    interrupts.forever().next();
    say(&format!("interrupted {}", bench.process().state()));
    bench.process().cancel_all();
    say(&format!("next {:?}", outcome(bench.add_two(1, 2))));
    interrupts.forever().next();
    bench.process().stop();
    let _ = bench.process().join(LONG);
    say(&format!("ended {}", bench.process().state()));
}

/// Ends this process in the given way.
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
            let all = mpcore::shutdown(LONG).is_ok();
            let state = finished.try_recv().map_or("unheard".into(), |it| it.0.state.to_string());
            say(&format!("shut down {all} {state}"));
        }
        other => panic!("no ending `{other}`"),
    }
}
