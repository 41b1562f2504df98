//! Programs that misbehave where a child is expected: the first argument after mark and name
//! selects how.
//!
//! Some let a stranger connect first to the endpoint that the controller has prepared; the
//! endpoint's name is found in the bootstrap record, whatever its layout, since it is the path of a
//! socket.

use std::io::{IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ipc_channel::ipc::IpcSender;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};
use system_tests::transport::PROTOCOL;
use system_tests::{BenchProcess, until};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mark = arguments.next().unwrap_or_default();
    let how = arguments.nth(1).unwrap_or_default();
    match how.as_str() {
        "exit" => std::process::exit(7),
        "print and sleep" => {
            println!("\u{1b}[31mmpcore\0garbage\n\0\0\0");
            sleep_for_ever()
        }
        "print and serve" => {
            println!("\u{1b}[31mmpcore\0garbage\n\0\0\0");
            mpcore::child_main::<BenchProcess>()
        }
        "close stdin" => {
            let null = std::fs::File::open("/dev/null").expect("/dev/null is there");
            rustix::stdio::dup2_stdin(null).expect("stdin can be replaced");
            sleep_for_ever()
        }
        "send text" => send_and_sleep(b"I am no child of yours", &[]),
        "send nothing" => send_and_sleep(b"", &[]),
        "send a long packet" => send_and_sleep(&[0xA5; 150_000], &[]),
        "send descriptors" => {
            let files: Vec<_> =
                (0..16).map(|_| std::fs::File::open("/dev/null").expect("it is there")).collect();
            let files: Vec<_> = files.iter().map(|file| file.as_fd()).collect();
            send_and_sleep(&[PROTOCOL, 0], &files)
        }
        "introduce a stranger at length" => {
            // The first piece of an introduction of 60 MB, with a wrong nonce; the rest never
            // comes.
            let head = [&[PROTOCOL, 1][..], &1_u32.to_le_bytes(), &[0; 16]].concat();
            let part = [60_000_000_u64.to_le_bytes(), 0_u64.to_le_bytes()].concat();
            send_and_sleep(&[head, part, vec![0; 1000]].concat(), &[])
        }
        "park descriptors" => park_descriptors(),
        "speak another protocol" => {
            // The head of a packet, a mark, and the protocol number: the same in every version.
            let packet = [&[77][..], &[0; 23], b"mpcore\0\x02", &77_u32.to_le_bytes()].concat();
            send_and_sleep(&packet, &[])
        }
        "speak another protocol at the endpoint" => {
            let (record, endpoint) = first_record();
            let nonce = nonce_in(&record, &endpoint);
            let sender = IpcSender::<Greeting>::connect(endpoint).expect("the endpoint accepts");
            sender.send(Greeting::OtherProtocol(77, nonce)).expect("it can be sent");
            sleep_for_ever()
        }
        "exit as protocol 2 did" => {
            eprintln!(
                "the controller speaks protocol {PROTOCOL}, this child 2; build both with the same mpcore"
            );
            std::process::exit(2)
        }
        "say nothing" => {
            let (_, endpoint) = first_record();
            let _held = IpcSender::<Vec<u8>>::connect(endpoint).expect("the endpoint accepts");
            sleep_for_ever()
        }
        "say nonsense" => {
            let (_, endpoint) = first_record();
            nonsense(&endpoint);
            sleep_for_ever()
        }
        "let nonsense go first" => {
            let (record, endpoint) = first_record();
            nonsense(&endpoint);
            until("the controller has read the stranger", || !Path::new(&endpoint).exists());
            serve_with(&record)
        }
        "let silence go first" => {
            let (record, endpoint) = first_record();
            std::mem::forget(
                IpcSender::<Vec<u8>>::connect(endpoint).expect("the endpoint accepts"),
            );
            serve_with(&record)
        }
        "let half a message go first" => {
            let (record, endpoint) = first_record();
            half_a_message(&endpoint);
            serve_with(&record)
        }
        "let an impostor go first" => {
            let (record, endpoint) = first_record();
            let program = arguments.next().expect("the impostor's program");
            impostor(&program, &mark, &record, &endpoint);
            until("the controller has read the impostor", || !Path::new(&endpoint).exists());
            serve_with(&record)
        }
        other => panic!("no way to be odd `{other}`"),
    }
}

/// The part of a child's greeting at the endpoint that is the same in every version.
#[derive(Serialize, Deserialize)]
enum Greeting {
    GiveUp,
    Hello,
    OtherProtocol(u32, [u8; 16]),
}

fn sleep_for_ever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

/// The record as it is in the pipe, and the endpoint that it names.
fn first_record() -> (Vec<u8>, String) {
    let mut record = vec![0; 12];
    let mut stdin = std::io::stdin().lock();
    stdin.read_exact(&mut record).expect("a record begins");
    let length = u32::from_le_bytes(record[8..].try_into().expect("four bytes"));
    let mut body = vec![0; length as usize];
    stdin.read_exact(&mut body).expect("the record is whole");
    record.extend(body);
    let endpoint = endpoint_in(&record).expect("the record names an endpoint");
    (record, endpoint)
}

/// Sends a packet with these descriptors on the events lane, which comes with the first record.
fn send_and_sleep(packet: &[u8], descriptors: &[BorrowedFd<'_>]) -> ! {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut record = [0; 1000];
    let mut record = [IoSliceMut::new(&mut record)];
    let received = recvmsg(std::io::stdin(), &mut record, &mut ancillary, RecvFlags::empty());
    received.expect("there is a record");
    let mut lanes = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(lanes) => Some(lanes),
        _ => None,
    });
    let events = lanes.next().and_then(|mut lanes| lanes.next()).expect("there is a lane");

    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(descriptors)), "there is room");
    }
    let sent = sendmsg(&events, &[IoSlice::new(packet)], &mut ancillary, SendFlags::empty());
    sent.expect("it can be sent");
    sleep_for_ever()
}

/// Sends descriptors on the lanes that lead to the child, in the wrong direction; exits with 43 if
/// they are refused, as they should be.
fn park_descriptors() -> ! {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut record = [0; 1000];
    let mut record = [IoSliceMut::new(&mut record)];
    let received = recvmsg(std::io::stdin(), &mut record, &mut ancillary, RecvFlags::empty());
    received.expect("there is a record");
    let mut lanes = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(lanes) => lanes.collect(),
        _ => Vec::new(),
    });
    let control = lanes.nth(1).expect("there are two lanes");
    let file = std::fs::File::open("/dev/null").expect("it is there");
    let stdin = std::io::stdin();
    let refused = [stdin.as_fd(), control.as_fd()].into_iter().all(|lane| {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let parked = [file.as_fd()];
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(&parked)), "there is room");
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        sendmsg(lane, &[IoSlice::new(b"parked")], &mut ancillary, flags).is_err()
    });
    std::process::exit(if refused { 43 } else { 44 })
}

/// Finds the path of an existing socket in the record.
fn endpoint_in(record: &[u8]) -> Option<String> {
    let end = record.windows(7).position(|window| window == b"/socket")? + 7;
    let starts = (0..end).filter(|start| record[*start] == b'/');
    let paths = starts.filter_map(|start| std::str::from_utf8(&record[start..end]).ok());
    paths.map(str::to_owned).find(|path| Path::new(path).exists())
}

/// Sends a message in the transport's own format that is not a greeting.
fn nonsense(endpoint: &str) {
    let stranger =
        IpcSender::<Vec<u8>>::connect(endpoint.to_owned()).expect("the endpoint accepts");
    stranger.send(vec![0xA5; 300]).expect("it can be sent");
}

/// Sends three bytes, and nothing more while this process lives.
fn half_a_message(endpoint: &str) {
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
    let socket = socket.expect("a socket can be had");
    let address = SocketAddrUnix::new(endpoint).expect("the endpoint is a path");
    rustix::net::connect(socket.as_fd(), &address).expect("the endpoint accepts");
    rustix::net::send(socket.as_fd(), &[1, 2, 3], SendFlags::empty()).expect("it can be sent");
    std::mem::forget(socket);
}

/// The nonce is the sixteen bytes after the endpoint's name.
fn nonce_at(record: &[u8], endpoint: &str) -> usize {
    let name = record.windows(endpoint.len()).position(|window| window == endpoint.as_bytes());
    name.expect("the record names the endpoint") + endpoint.len()
}

fn nonce_in(record: &[u8], endpoint: &str) -> [u8; 16] {
    let at = nonce_at(record, endpoint);
    record[at..at + 16].try_into().expect("sixteen bytes")
}

/// Starts a real child with a wrong nonce.
fn impostor(program: &str, mark: &str, record: &[u8], endpoint: &str) {
    let nonce = nonce_at(record, endpoint);
    let mut record = record.to_vec();
    record[nonce..nonce + 16].iter_mut().for_each(|byte| *byte ^= 0xFF);
    let mut command = Command::new(program);
    let mut child = command.arg(mark).stdin(Stdio::piped()).spawn().expect("the impostor starts");
    child.stdin.as_mut().expect("its stdin is a pipe").write_all(&record).expect("it reads");
    // Its stdin stays open: it waits there to be accepted.
    std::mem::forget(child);
}

/// Becomes the right child after all: puts the record back before the rest of stdin.
fn serve_with(record: &[u8]) -> ! {
    let rest = std::io::stdin().as_fd().try_clone_to_owned().expect("stdin can be duplicated");
    let (reader, mut writer) = std::io::pipe().expect("a pipe can be had");
    rustix::stdio::dup2_stdin(reader).expect("stdin can be replaced");
    writer.write_all(record).expect("the record fits the pipe");
    std::thread::spawn(move || {
        let mut rest = std::fs::File::from(rest);
        let _ = std::io::copy(&mut rest, &mut writer);
    });
    mpcore::child_main::<BenchProcess>()
}
