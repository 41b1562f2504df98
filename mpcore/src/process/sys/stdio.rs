//! The three standard descriptors. They belong to the application, so the runtime's descriptors
//! have numbers above them. Here are the functions that create such descriptors, and those that
//! examine, write to and redirect the standard ones.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::process::Stdio;
use std::sync::Mutex;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::chaos;
use crate::process::stream::OutputStream;
use crate::sync::lock;

/// The highest standard descriptor.
const STDERR: i32 = 2;

const NULL: &str = "/dev/null";

/// The application may close one at any moment.
const TRIES: usize = 8;

/// Creates descriptors that have no standard number: an application that has closed 0, 1 or 2 would
/// write its next line to a descriptor with such a number. Meanwhile the free numbers are occupied;
/// writes to them are discarded and do not fail.
pub(crate) fn above<T>(
    make: impl Fn() -> io::Result<T>,
    descriptors: impl Fn(&T) -> Vec<i32>,
) -> io::Result<T> {
    // One at a time: the number that another thread occupies will soon be free again.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = lock(&MAKING);
    for _ in 0..TRIES {
        let places = take_free_places()?;
        let made = make()?;
        drop(places);
        if descriptors(&made).into_iter().all(|it| it > STDERR) {
            return Ok(made);
        }
    }
    Err(io::Error::other(
        "descriptors 0 to 2 are opened and closed repeatedly; keep them either open or closed",
    ))
}

/// The next descriptor gets the lowest free number.
fn take_free_places() -> io::Result<Vec<File>> {
    let closed = |stream: &dyn AsFd| rustix::io::fcntl_getfd(stream.as_fd()).is_err();
    let closed = [closed(&io::stdin()), closed(&io::stdout()), closed(&io::stderr())];
    let free = closed.into_iter().filter(|it| *it);
    free.map(|_| File::options().read(true).write(true).open(NULL)).collect()
}

/// Creates a pipe whose ends have no standard number.
pub(crate) fn pipe() -> io::Result<(io::PipeReader, io::PipeWriter)> {
    above(io::pipe, |(reader, writer)| vec![reader.as_raw_fd(), writer.as_raw_fd()])
}

/// Returns a stream for a child to write to, and the end to read from.
pub(crate) fn piped() -> io::Result<(Stdio, Option<OwnedFd>)> {
    let (reader, writer) = pipe()?;
    Ok((writer.into(), Some(reader.into())))
}

/// Returns a stream for a child whose output is discarded. A stream opened by the standard library
/// might get a standard number, and be replaced by another stream before it is used.
pub(crate) fn null() -> io::Result<Stdio> {
    let open = || File::options().read(true).write(true).open(NULL);
    above(open, |null| vec![null.as_raw_fd()]).map(Stdio::from)
}

/// Returns whether the reader of this process's stdout may go away, which is true for a pipe or a
/// socket. A child that writes there directly would then fail, unlike with a terminal or a file.
pub(crate) fn stdout_may_break() -> bool {
    let kind = metadata(&io::stdout()).map(|it| it.file_type());
    kind.is_some_and(|kind| kind.is_fifo() || kind.is_socket())
}

/// Writes all bytes to this process's stdout, bypassing the lock that the application's own prints
/// take. Bytes that cannot be written are dropped.
pub(crate) fn write_to_stdout(mut bytes: &[u8]) {
    let stdout = io::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(&stdout, &bytes[..chaos::part(bytes.len())]) {
            Ok(0) => return,
            Ok(length) => bytes = &bytes[length..],
            Err(rustix::io::Errno::INTR) => {}
            // Another process that shares the descriptor has made it nonblocking.
            Err(rustix::io::Errno::AGAIN) => {
                let _ = poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], None);
            }
            Err(_) => return,
        }
    }
}

/// Returns the pipe that a stream of this process leads to; `None` if it is not a pipe.
pub(crate) fn pipe_of(stream: OutputStream) -> Option<(u64, u64)> {
    let metadata = match stream {
        OutputStream::Stdout => metadata(&io::stdout()),
        OutputStream::Stderr => metadata(&io::stderr()),
    }?;
    metadata.file_type().is_fifo().then(|| (metadata.dev(), metadata.ino()))
}

/// Returns whether no reader is left: a pipe without readers, or a terminal that is gone.
pub(crate) fn is_broken(stream: OutputStream) -> bool {
    match stream {
        OutputStream::Stdout => hung_up(&io::stdout()),
        OutputStream::Stderr => hung_up(&io::stderr()),
    }
}

/// Redirects this stream so that output is discarded and writes do not fail.
pub(crate) fn to_null(stream: OutputStream) {
    if let Ok(null) = File::options().write(true).open(NULL) {
        let _ = match stream {
            OutputStream::Stdout => rustix::stdio::dup2_stdout(null),
            OutputStream::Stderr => rustix::stdio::dup2_stderr(null),
        };
    }
}

fn metadata(stream: &impl AsFd) -> Option<std::fs::Metadata> {
    File::from(stream.as_fd().try_clone_to_owned().ok()?).metadata().ok()
}

fn hung_up(stream: &impl AsFd) -> bool {
    let mut entries = [PollFd::new(stream, PollFlags::empty())];
    let looked = poll(&mut entries, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    looked.is_ok() && entries[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}
