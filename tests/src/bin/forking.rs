//! A process that forks: `forking hold CHILD MOMENT`, `forking use`, `forking daemon` or
//! `forking command LOG`.
//!
//! * `hold`: its copy only stays alive; it prints the pids of the child, of the child's own process
//!   and of the copy, then `there`, and waits to be killed. The child is the program `CHILD`, or
//!   this one if that is `own`, and `busy`, `idle`, or `alone`: idle, and without a process of its
//!   own.
//! * `use`: its copy tries everything and prints the results; then it prints the state of its
//!   child.
//! * `daemon`: forks after `init` and before the first start, and the copy is the controller.
//! * `command`: its child forks, and the copy returns from the command too.

use std::io::Write as _;
use std::time::Duration;

use mpcore::{Control as _, Transport};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};
use system_tests::bench::until_begun;
use system_tests::{BenchConfig, BenchControl, BenchProcess, LONG, outcome};

/// A child that forks.
#[mpcore::process(config = String)]
trait Forking {
    /// Forks; the copy returns too: the original returns the copy's pid.
    fn fork(&mut self) -> i32;
    fn add(&mut self, a: i32, b: i32) -> i32;
}

#[derive(mpcore::Child)]
#[child(Forking)]
struct ForkingProcess {
    /// The file to which `cleanup` appends a line.
    config: String,
}

impl Forking for ForkingProcess {
    fn fork(&mut self) -> i32 {
        copy().map_or(0, nix::unistd::Pid::as_raw)
    }

    fn add(&mut self, a: i32, b: i32) -> i32 {
        a + b
    }

    fn cleanup(&mut self) {
        let log = std::fs::OpenOptions::new().append(true).create(true).open(&self.config);
        let line = format!("{}\n", std::process::id());
        log.expect("a log").write_all(line.as_bytes()).expect("a line can be written");
    }
}

/// Forks; returns `None` in the copy, and the copy's pid in the original.
fn copy() -> Option<nix::unistd::Pid> {
    // SAFETY: the copy takes no lock that a thread of the original may have held: it calls mpcore's
    // functions, which fail before they take a lock, `println!`, which no other thread uses, and
    // glibc's allocator, which supports forks.
    match unsafe { fork() }.expect("this process can fork") {
        ForkResult::Child => None,
        ForkResult::Parent { child } => Some(child),
    }
}

fn bench(program: Option<&str>) -> BenchControl {
    let builder = match program {
        Some(program) => BenchControl::builder().program(program),
        None => BenchControl::builder().child::<BenchProcess>(),
    };
    let builder = builder.config(BenchConfig::default()).stdout(mpcore::OutputMode::Null);
    let builder = builder.transport(Transport::default()).stop_grace(Duration::from_millis(500));
    let bench = builder.spawn().expect("the child starts");
    bench.process().wait_ready(LONG).expect("the child gets ready");
    bench
}

fn hold(program: Option<&str>, moment: &str) {
    let bench = bench(program);
    let pid = bench.process().pid().expect("it runs");
    println!("child {pid}");
    if moment != "alone" {
        let grandchild = outcome(bench.start_grandchild()).expect("the grandchild starts");
        println!("grandchild {grandchild}");
    }
    if moment == "busy" {
        bench.ignore_everything(600_000);
        until_begun(&bench, 1);
    }
    let Some(copy) = copy() else {
        loop {
            std::thread::sleep(Duration::from_secs(600));
        }
    };
    println!("copy {copy}\nthere");
    std::thread::sleep(Duration::from_secs(600));
}

fn try_everything(bench: BenchControl) {
    let other = BenchControl::builder().child::<BenchProcess>().config(BenchConfig::default());
    println!("spawn {:?}", other.spawn().map(drop));
    println!("start {:?}", bench.process().start());
    println!("restart {:?}", bench.process().restart());
    println!("call {:?}", bench.add_two(1, 2).wait());
    println!("large {:?}", bench.echo(system_tests::Blob::numbered(1 << 20)).wait().map(drop));
    let call = bench.add_two(1, 2).timeout(Duration::from_secs(1));
    call.cancel();
    call.cancel_or_kill(Duration::ZERO);
    println!("await {:?}", system_tests::block_on(call));
    println!("join {:?}", bench.process().join(LONG));
    println!("ready {:?}", bench.process().wait_ready(LONG));
    bench.process().cancel_all();
    bench.process().stop();
    bench.process().terminate();
    bench.process().kill();
    println!("shutdown {:?}", mpcore::shutdown(LONG));
    println!("state {}", bench.process().state());
    drop(bench);
    println!("copy done");
}

fn main() {
    mpcore::init();
    let _shut_down = mpcore::__private::ShutdownGuard::new();
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("one more argument");
    match next().as_str() {
        "hold" => {
            let (program, moment) = (next(), next());
            hold(Some(program.as_str()).filter(|it| *it != "own"), &moment);
        }
        "use" => {
            let bench = bench(None);
            let pid = bench.process().pid();
            match copy() {
                // Its `main` returns, and shuts down.
                None => try_everything(bench),
                Some(copy) => {
                    waitpid(copy, None).expect("the copy ends");
                    println!("original {:?}", outcome(bench.add_two(20, 22)));
                    println!("same {}", pid == bench.process().pid());
                    let waits = outcome(bench.echo(system_tests::Blob::numbered(1 << 20)));
                    println!("large {}", waits.is_ok());
                    bench.process().stop();
                    let _ = bench.process().join(LONG);
                    println!(
                        "ended {:?}",
                        bench.process().exit_report().map(|it| it.failure.clone())
                    );
                }
            }
        }
        "daemon" => match copy() {
            Some(copy) => {
                waitpid(copy, None).expect("the daemon ends");
            }
            None => {
                let bench = bench(None);
                println!("daemon {:?}", outcome(bench.add_two(20, 22)));
                println!("again {:?}", bench.__core().process().restart().is_ok());
            }
        },
        "command" => {
            let builder = ForkingControl::builder().child::<ForkingProcess>().config(next());
            let builder = builder.transport(system_tests::transport::transport());
            let child = builder.stdout(mpcore::OutputMode::Null).spawn().expect("the child starts");
            println!("copy {:?}", outcome(child.fork()).unwrap_or_default());
            println!("again {:?}", outcome(child.add(20, 22)));
            println!("child {}", child.process().pid().unwrap_or_default());
            let mut line = String::new();
            while !line.starts_with("stop") {
                line = std::fs::read_to_string(std::env::var("SIGN").expect("a sign"))
                    .unwrap_or_default();
                std::thread::sleep(Duration::from_millis(1));
            }
            child.process().stop();
            println!("joined {:?}", child.process().join(LONG));
            let failure = child.process().exit_report().map(|it| it.failure.clone());
            println!("ended {failure:?}");
        }
        other => panic!("no way `{other}`"),
    }
}
