//! Traces a process's first thread, as a debugger does, until it is killed itself:
//! `tracer PID linger|hold|stop|stop-all`. `linger` lets the process run and never waits for it;
//! `hold` holds it at its exit; `stop` stops that thread, and `stop-all` all threads.

use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let pid = Pid::from_raw(arguments[1].parse().expect("a process number"));
    let attach = |thread: Pid| {
        ptrace::attach(thread).expect("it can be traced");
        waitpid(thread, Some(WaitPidFlag::__WALL)).expect("it stops");
    };
    attach(pid);
    match arguments[2].as_str() {
        "stop" => {}
        "stop-all" => others(pid).into_iter().for_each(attach),
        how => {
            if how == "hold" {
                ptrace::setoptions(pid, Options::PTRACE_O_TRACEEXIT).expect("an option");
            }
            ptrace::cont(pid, None).expect("it goes on");
        }
    }
    println!("attached");
    loop {
        std::thread::park();
    }
}

/// The other threads of the process.
fn others(first: Pid) -> Vec<Pid> {
    let tasks = std::fs::read_dir(format!("/proc/{first}/task")).expect("it is there").flatten();
    let numbers = tasks.filter_map(|task| task.file_name().to_str()?.parse().ok());
    numbers.map(Pid::from_raw).filter(|thread| *thread != first).collect()
}
