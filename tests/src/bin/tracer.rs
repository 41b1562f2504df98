//! Traces a process's first thread, as a debugger does, until it is killed itself: `tracer PID linger|hold`. The
//! first lets the process run and never waits for it; the second holds it at its exit.

use nix::sys::ptrace::{self, Options};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let pid = Pid::from_raw(arguments[1].parse().expect("a process number"));
    ptrace::attach(pid).expect("it can be traced");
    waitpid(pid, None).expect("it stops");
    if arguments[2] == "hold" {
        ptrace::setoptions(pid, Options::PTRACE_O_TRACEEXIT).expect("an option");
    }
    ptrace::cont(pid, None).expect("it goes on");
    println!("attached");
    loop {
        std::thread::park();
    }
}
