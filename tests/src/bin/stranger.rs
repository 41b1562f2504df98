//! Tries to access processes, sockets and folders as the user it runs as: `stranger TARGET...`,
//! where a target is `pid:NUMBER`, `socket:PATH`, `abstract:NAME` or `folder:PATH`.
//!
//! Prints each attempt, `refused` or `SUCCEEDED`, and how many there were.

use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Resource, Signal, getrlimit, kill_process, pidfd_getfd,
    pidfd_open, pidfd_send_signal, prlimit,
};

fn main() {
    let mut attempts = Attempts::default();
    for target in std::env::args().skip(1) {
        match target.split_once(':').expect("KIND:NAME") {
            ("pid", number) => at_process(&mut attempts, number),
            ("socket", path) => at_socket(&mut attempts, &target, SocketAddrUnix::new(path)),
            ("abstract", name) => {
                let address = SocketAddrUnix::new_abstract_name(name.as_bytes());
                at_socket(&mut attempts, &target, address);
            }
            ("folder", path) => at_folder(&mut attempts, path),
            _ => panic!("no target `{target}`"),
        }
    }
    println!("attempts {}", attempts.count);
}

#[derive(Default)]
struct Attempts {
    count: usize,
}

impl Attempts {
    fn tell<T>(&mut self, what: impl Display, result: Result<T, impl Into<io::Error>>) {
        self.count += 1;
        match result {
            Ok(_) => println!("SUCCEEDED: {what}"),
            Err(error) => println!("refused: {what}: {}", error.into()),
        }
    }
}

fn at_process(attempts: &mut Attempts, number: &str) {
    let pid = number.parse().ok().and_then(Pid::from_raw).expect("a process number");
    let entry = |name: &str| format!("/proc/{number}/{name}");
    for signal in [Signal::CONT, Signal::TERM, Signal::KILL] {
        let what = format!("signal {} to {number}", signal.as_raw());
        attempts.tell(what, kill_process(pid, signal));
    }
    // Read the list of descriptors, the memory, the environment.
    attempts.tell(format!("list the descriptors of {number}"), fs::read_dir(entry("fd")));
    for name in ["environ", "maps", "mem", "auxv"] {
        // Every user can open some of these, but not read them.
        let read = File::open(entry(name)).and_then(|mut file| io::Read::read(&mut file, &mut [0]));
        attempts.tell(format!("read {name} of {number}"), read);
    }
    let memory = OpenOptions::new().write(true).open(entry("mem"));
    attempts.tell(format!("write the memory of {number}"), memory);
    for name in ["cwd", "exe", "root"] {
        attempts.tell(format!("follow {name} of {number}"), fs::read_link(entry(name)));
    }
    let limits = prlimit(Some(pid), Resource::Nofile, getrlimit(Resource::Nofile));
    attempts.tell(format!("limit {number}"), limits);
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("everybody may hold on to a process");
    let signalled = pidfd_send_signal(&pidfd, Signal::CONT);
    attempts.tell(format!("signal {number} through a descriptor"), signalled);
    for descriptor in 0..32 {
        let path = entry(&format!("fd/{descriptor}"));
        attempts.tell(format!("open descriptor {descriptor} of {number}"), File::open(path));
        let taken = pidfd_getfd(&pidfd, descriptor, PidfdGetfdFlags::empty());
        attempts.tell(format!("take descriptor {descriptor} of {number}"), taken);
    }
}

fn at_socket(attempts: &mut Attempts, target: &str, address: rustix::io::Result<SocketAddrUnix>) {
    let address = address.expect("a socket's name");
    for kind in [SocketType::SEQPACKET, SocketType::STREAM, SocketType::DGRAM] {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, kind, flags, None).expect("a socket");
        attempts.tell(format!("connect to {target}"), connect(&socket, &address));
    }
}

fn at_folder(attempts: &mut Attempts, path: &str) {
    attempts.tell(format!("list {path}"), fs::read_dir(path));
    attempts.tell(format!("make a file in {path}"), File::create(format!("{path}/stranger")));
}
