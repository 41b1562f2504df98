//! Round trip of one call (waited for, the same over ipc-channel, and through an inbox), beside a
//! raw ipc-channel ping-pong in the same run.
//!
//! `cargo xtask bench call [-- --rounds N]` prints a table and appends a JSON line per peer to
//! `target/bench.jsonl`. Both processes run on one CPU (`pin = same`): there the figures hardly
//! scatter, while the wake-up of another CPU decides everything else. Peers take turns, round by
//! round, so that a slow moment of the machine meets all of them.

use std::error::Error;
use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ipc_channel::ipc::{self, IpcOneShotServer, IpcReceiver, IpcSender};
use serde::{Deserialize, Serialize};

const RAW_PEER: &str = "--raw-ipc-peer";
/// Calls in one round.
const CALLS: usize = 4000;
/// In the place of a sum: there will be none.
const CRASHED: u64 = u64::MAX;
const LONG: Duration = Duration::from_secs(30);

/// The interface measured: the smallest call that carries something both ways.
#[mpcore::process]
trait Adder {
    #[signal]
    fn add(&mut self, a: i32, b: i32) -> i32;
}

#[derive(mpcore::Child)]
#[child(Adder)]
struct AdderProcess {}

impl Adder for AdderProcess {
    fn add(&mut self, a: i32, b: i32) -> i32 {
        a + b
    }
}

// ---- the raw peer: typed ipc-channel, the caller reads

#[derive(Serialize, Deserialize)]
struct RawEnds {
    requests: IpcSender<(i32, i32)>,
    replies: IpcReceiver<i32>,
}

/// The child of the raw peer.
fn serve_raw(endpoint: String) -> Result<(), Box<dyn Error>> {
    let (requests, requests_rx) = ipc::channel()?;
    let (replies, replies_rx) = ipc::channel()?;
    IpcSender::connect(endpoint)?.send(RawEnds { requests, replies: replies_rx })?;
    while let Ok((a, b)) = requests_rx.recv() {
        replies.send(a + b)?;
    }
    Ok(())
}

struct Raw {
    ends: RawEnds,
    process: Child,
}

impl Raw {
    fn start() -> Result<Self, Box<dyn Error>> {
        let (server, endpoint) = IpcOneShotServer::new()?;
        let process = Command::new(std::env::current_exe()?).args([RAW_PEER, &endpoint]).spawn()?;
        let (_, ends) = server.accept()?;
        Ok(Self { ends, process })
    }

    fn call(&self, a: i32) -> Result<i32, Box<dyn Error>> {
        self.ends.requests.send((a, 1))?;
        Ok(self.ends.replies.recv()?)
    }

    fn stop(mut self) -> Result<(), Box<dyn Error>> {
        drop(self.ends);
        self.process.wait()?;
        Ok(())
    }
}

// ---- figures

/// What is measured, and its times.
struct Peer {
    name: &'static str,
    /// Microseconds per call, per round.
    rounds: Vec<Vec<f64>>,
}

impl Peer {
    /// The median over the rounds of each round's quantile.
    fn quantile(&self, quantile: f64) -> f64 {
        let mut of_rounds: Vec<f64> = self
            .rounds
            .iter()
            .map(|round| {
                let mut sorted = round.clone();
                sorted.sort_by(f64::total_cmp);
                sorted[((sorted.len() - 1) as f64 * quantile) as usize]
            })
            .collect();
        of_rounds.sort_by(f64::total_cmp);
        of_rounds[of_rounds.len() / 2]
    }
}

/// Makes the calls of one round, and keeps their times unless it only warms up.
fn round(
    peer: &mut Peer,
    keep: bool,
    mut call: impl FnMut(i32) -> Result<i32, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut taken = Vec::with_capacity(CALLS);
    for number in 0..CALLS as i32 {
        let begun = Instant::now();
        let sum = black_box(call(number)?);
        taken.push(begun.elapsed().as_secs_f64() * 1e6);
        assert_eq!(sum, number + 1);
    }
    if keep {
        peer.rounds.push(taken);
    }
    Ok(())
}

/// This process and all it starts stay on CPU 0.
fn pin() -> &'static str {
    #[cfg(target_os = "linux")]
    {
        let mut cpus = rustix::thread::CpuSet::new();
        cpus.set(0);
        if rustix::thread::sched_setaffinity(None, &cpus).is_ok() {
            return "same";
        }
    }
    "free"
}

/// `--rounds N`, or `--quick` for a look.
fn rounds(arguments: &[String]) -> Result<usize, Box<dyn Error>> {
    // Cargo itself passes `--bench`.
    let arguments: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|it| *it != "--bench").collect();
    match arguments[..] {
        [] => Ok(10),
        ["--quick"] => Ok(2),
        ["--rounds", number] => match number.parse()? {
            0 => Err("`--rounds` needs at least 1".into()),
            rounds => Ok(rounds),
        },
        _ => Err(format!("unknown arguments {arguments:?}; known: --quick, --rounds N").into()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    mpcore::init();
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mark, endpoint] = &arguments[..]
        && mark == RAW_PEER
    {
        return serve_raw(endpoint.clone());
    }
    let rounds = rounds(&arguments[1..])?;

    let pin = pin();
    let raw = Raw::start()?;

    let waiting = AdderControl::spawn::<AdderProcess>(())?;
    waiting.process().wait_ready(LONG)?;

    let portable = AdderControl::builder().child::<AdderProcess>();
    let portable = portable.transport(mpcore::Transport::IpcChannel).spawn()?;
    portable.process().wait_ready(LONG)?;

    // The inbox as a user interface has it: woken, then drained on the thread that made the call.
    let this_thread = thread::current();
    let woken = Arc::new(AtomicBool::new(false));
    let set_woken = Arc::clone(&woken);
    let inbox = mpcore::Inbox::new(move || {
        set_woken.store(true, Ordering::SeqCst);
        this_thread.unpark();
    });
    let signalling = AdderControl::builder().child::<AdderProcess>().inbox(&inbox).spawn()?;
    let last = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&last);
    signalling.signals().add_changed.connect(move |sum| seen.store(*sum as u64, Ordering::Relaxed));
    let crashed = Arc::clone(&last);
    signalling
        .signals()
        .exception_raised
        .connect(move |_| crashed.store(CRASHED, Ordering::Relaxed));
    signalling.process().wait_ready(LONG)?;

    let mut ipc = Peer { name: "ipc", rounds: Vec::new() };
    let mut wait = Peer { name: "wait", rounds: Vec::new() };
    let mut over_ipc = Peer { name: "wait, over ipc-channel", rounds: Vec::new() };
    let mut signal = Peer { name: "inbox", rounds: Vec::new() };
    let by_signal = |a: i32| {
        last.store(0, Ordering::Relaxed);
        signalling.add(a, 1);
        loop {
            while !woken.swap(false, Ordering::SeqCst) {
                thread::park(); // a crash of the child wakes as well
            }
            inbox.drain(LONG);
            match last.load(Ordering::Relaxed) {
                0 => {}
                CRASHED => return Err("the child crashed".into()),
                sum => return Ok(sum as i32),
            }
        }
    };
    for number in 0..=rounds {
        let keep = number > 0; // the first warms up
        // Not always in the same order: who comes first after another program is slower.
        for turn in 0..4 {
            match if number % 2 == 0 { turn } else { 3 - turn } {
                0 => round(&mut ipc, keep, |a| raw.call(a))?,
                1 => round(&mut wait, keep, |a| Ok(waiting.add(a, 1).wait()?))?,
                2 => round(&mut over_ipc, keep, |a| Ok(portable.add(a, 1).wait()?))?,
                _ => round(&mut signal, keep, by_signal)?,
            }
        }
    }
    raw.stop()?;
    report(pin, &[&ipc, &wait, &over_ipc, &signal])
}

/// Prints the table, and appends the JSON lines.
fn report(pin: &str, peers: &[&Peer]) -> Result<(), Box<dyn Error>> {
    let base = peers[0].quantile(0.5);
    // Cargo runs a benchmark in its package's folder.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("bench.jsonl");
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    println!("round trip of one call, {CALLS} calls a round, pin = {pin}");
    println!("{:<22} {:>9} {:>9} {:>8}", "peer", "p50 us", "p99 us", "x ipc");
    for peer in peers {
        let (p50, p99) = (peer.quantile(0.5), peer.quantile(0.99));
        let ratio = p50 / base;
        println!("{:<22} {p50:>9.2} {p99:>9.2} {ratio:>8.2}", peer.name);
        writeln!(
            file,
            r#"{{"bench":"call","peer":"{}","pin":"{pin}","p50_us":{p50:.3},"p99_us":{p99:.3},"ratio_to":"ipc","ratio":{ratio:.3}}}"#,
            peer.name
        )?;
    }
    Ok(())
}
