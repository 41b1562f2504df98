//! A child that tries what its limits and its sandbox forbid, also on a thread from before `init`,
//! and whose config reads the limits while it is decoded.

use std::fs::{self, File};
use std::hint::black_box;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::Command;
use std::sync::{Mutex, OnceLock, mpsc};
use std::thread;

use rustix::process::{Resource, getpriority_process, getrlimit};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::children::blob::Blob;

/// The configuration of the child.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ConfinedConfig {
    /// Reads the limits while it is decoded.
    pub witness: Witness,
}

/// The limits in effect at one moment; `None` means unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Witness {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Seconds until SIGXCPU.
    pub cpu_time: Option<u64>,
    /// Files.
    pub open_files: Option<u64>,
    /// The nice level.
    pub nice: i32,
}

impl Witness {
    /// Reads the current limits.
    #[must_use]
    pub fn now() -> Self {
        Self {
            memory: getrlimit(Resource::Data).current,
            cpu_time: getrlimit(Resource::Cpu).current,
            open_files: getrlimit(Resource::Nofile).current,
            nice: getpriority_process(None).unwrap_or_default(),
        }
    }
}

impl Serialize for Witness {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(0)
    }
}

impl<'de> Deserialize<'de> for Witness {
    /// Replaces the sent value with the limits where it is decoded.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer)?;
        Ok(Self::now())
    }
}

/// A thread that reads files.
#[derive(Debug)]
struct Early(Mutex<(mpsc::Sender<String>, mpsc::Receiver<io::Result<String>>)>);

static EARLY: OnceLock<Early> = OnceLock::new();

impl Early {
    fn read(&self, path: String) -> io::Result<String> {
        let lanes = self.0.lock().map_err(|_| io::Error::other("poisoned"))?;
        lanes.0.send(path).map_err(io::Error::other)?;
        lanes.1.recv().map_err(io::Error::other)?
    }
}

/// Starts a thread, like a logger or a runtime that is set up before `init`.
pub fn start_an_early_thread() {
    let (paths, to_read) = mpsc::channel::<String>();
    let (read, answers) = mpsc::channel();
    thread::spawn(move || {
        to_read.iter().for_each(|path| drop(read.send(fs::read_to_string(path))));
    });
    let _ = EARLY.set(Early(Mutex::new((paths, answers))));
}

/// Memory, seconds of CPU time, open files, nice level.
type Seen = (Option<u64>, Option<u64>, Option<u64>, i32);

/// One command per limit.
#[mpcore::process(config = ConfinedConfig)]
pub trait Confined {
    /// Returns what the config saw while it was decoded.
    fn seen_by_config(&mut self) -> Seen;

    /// Allocates this many MiB and frees them; returns how many.
    fn fill(&mut self, mib: usize) -> usize;

    /// Computes until it is ended.
    fn compute(&mut self) -> u64;

    /// Opens files until that fails or there are this many; returns how many, and the error.
    fn open(&mut self, at_most: usize) -> (usize, String);

    /// Returns its argument.
    fn echo(&mut self, bytes: Blob) -> Blob;

    /// Reads a file, through a link or not.
    fn read(&mut self, path: String) -> mpcore::Result<String>;

    /// Writes a file.
    fn write(&mut self, path: String, text: String) -> mpcore::Result<()>;

    /// Lets a grandchild read a file, and returns its stdout, or else its stderr.
    fn read_by_grandchild(&mut self, path: String) -> mpcore::Result<String>;

    /// Sends SIGWINCH, which is ignored by default, to this process.
    fn signal(&mut self, process: u32) -> mpcore::Result<()>;

    /// Connects to this port of this machine.
    fn connect_tcp(&mut self, port: u16) -> mpcore::Result<()>;

    /// Listens at this port.
    fn bind_tcp(&mut self, port: u16) -> mpcore::Result<()>;

    /// Connects to an abstract socket.
    fn connect_abstract(&mut self, name: String) -> mpcore::Result<()>;

    /// Makes a file readable only by its owner.
    fn change_mode(&mut self, path: String) -> mpcore::Result<()>;

    /// Reads a file on the thread from before `init`, if there is one.
    fn read_early(&mut self, path: String) -> mpcore::Result<String>;

    /// Creates a file in `cleanup`.
    fn leave_a_sign(&mut self, path: String);
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Confined)]
pub struct ConfinedProcess {
    config: ConfinedConfig,
    #[child(default)]
    sign: Option<String>,
}

impl Confined for ConfinedProcess {
    fn seen_by_config(&mut self) -> Seen {
        let Witness { memory, cpu_time, open_files, nice } = self.config.witness;
        (memory, cpu_time, open_files, nice)
    }

    fn fill(&mut self, mib: usize) -> usize {
        black_box(vec![1_u8; mib << 20]).len() >> 20
    }

    fn compute(&mut self) -> u64 {
        let mut number = 0_u64;
        loop {
            number = black_box(number.wrapping_add(1));
            if number == u64::MAX {
                return number;
            }
        }
    }

    fn open(&mut self, at_most: usize) -> (usize, String) {
        let mut open = Vec::new();
        while open.len() < at_most {
            match File::open("/dev/null") {
                Ok(file) => open.push(file),
                Err(error) => return (open.len(), error.to_string()),
            }
        }
        (open.len(), String::new())
    }

    fn echo(&mut self, bytes: Blob) -> Blob {
        bytes
    }

    fn read(&mut self, path: String) -> mpcore::Result<String> {
        Ok(fs::read_to_string(path)?)
    }

    fn write(&mut self, path: String, text: String) -> mpcore::Result<()> {
        Ok(fs::write(path, text)?)
    }

    fn read_by_grandchild(&mut self, path: String) -> mpcore::Result<String> {
        let output = Command::new("cat").arg(path).env("LC_ALL", "C").output()?;
        let said = if output.status.success() { output.stdout } else { output.stderr };
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    fn signal(&mut self, process: u32) -> mpcore::Result<()> {
        let pid = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.ok_or_else(|| mpcore::Error::new("no process number"))?;
        Ok(rustix::process::kill_process(pid, rustix::process::Signal::WINCH)?)
    }

    fn connect_tcp(&mut self, port: u16) -> mpcore::Result<()> {
        Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map(drop)?)
    }

    fn bind_tcp(&mut self, port: u16) -> mpcore::Result<()> {
        Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop)?)
    }

    fn connect_abstract(&mut self, name: String) -> mpcore::Result<()> {
        let address = SocketAddr::from_abstract_name(name)?;
        Ok(UnixStream::connect_addr(&address).map(drop)?)
    }

    fn change_mode(&mut self, path: String) -> mpcore::Result<()> {
        Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o400))?)
    }

    fn read_early(&mut self, path: String) -> mpcore::Result<String> {
        Ok(EARLY.get().ok_or_else(|| mpcore::Error::new("there is no such thread"))?.read(path)?)
    }

    fn leave_a_sign(&mut self, path: String) {
        self.sign = Some(path);
    }

    fn cleanup(&mut self) {
        if let Some(sign) = &self.sign {
            fs::write(sign, "cleaned up").expect("the sign can be left");
        }
    }
}
