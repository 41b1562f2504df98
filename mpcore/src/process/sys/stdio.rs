//! The three standard descriptors, which belong to the application and not to us: ours have numbers above
//! them.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::process::Stdio;
use std::sync::Mutex;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::chaos;
use crate::process::output::OutputStream;
use crate::sync::lock;

/// The last of them.
const STDERR: i32 = 2;

const NULL: &str = "/dev/null";

/// The application may close one at any moment.
const TRIES: usize = 8;

/// Makes descriptors of which none has a standard number: an application that has closed 0, 1 or 2 would
/// write its next line to what gets such a number. While they are made the free places are taken; what is
/// written there meanwhile goes nowhere, and does not fail.
pub(crate) fn above<T>(
    make: impl Fn() -> io::Result<T>,
    descriptors: impl Fn(&T) -> Vec<i32>,
) -> io::Result<T> {
    // One at a time: the place that another thread has taken is about to be free again.
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
    Err(io::Error::other("descriptors 0 to 2 come and go; keep them open or closed"))
}

/// The lowest free number is the next one's.
fn take_free_places() -> io::Result<Vec<File>> {
    let closed = |stream: &dyn AsFd| rustix::io::fcntl_getfd(stream.as_fd()).is_err();
    let closed = [closed(&io::stdin()), closed(&io::stdout()), closed(&io::stderr())];
    let free = closed.into_iter().filter(|it| *it);
    free.map(|_| File::options().read(true).write(true).open(NULL)).collect()
}

/// A pipe whose ends have no standard number.
pub(crate) fn pipe() -> io::Result<(io::PipeReader, io::PipeWriter)> {
    above(io::pipe, |(reader, writer)| vec![reader.as_raw_fd(), writer.as_raw_fd()])
}

/// For a stream of a child: what it writes to, and the end to read from.
pub(crate) fn piped() -> io::Result<(Stdio, Option<OwnedFd>)> {
    let (reader, writer) = pipe()?;
    Ok((writer.into(), Some(reader.into())))
}

/// For a stream of a child that leads nowhere. One that the standard library opens may have a standard
/// number, and be replaced by another stream before it is taken.
pub(crate) fn null() -> io::Result<Stdio> {
    let open = || File::options().read(true).write(true).open(NULL);
    above(open, |null| vec![null.as_raw_fd()]).map(Stdio::from)
}

/// Whether the reader of this process's stdout may go away: that of a pipe or a socket. A child that writes there
/// itself fails then, which a terminal or a file does not do to it.
pub(crate) fn stdout_may_break() -> bool {
    let kind = metadata(&io::stdout()).map(|it| it.file_type());
    kind.is_some_and(|kind| kind.is_fifo() || kind.is_socket())
}

/// Writes all of it to this process's stdout, past the lock that the application's own prints take. What
/// cannot be written is dropped.
pub(crate) fn write_to_stdout(mut bytes: &[u8]) {
    let stdout = io::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(&stdout, &bytes[..chaos::part(bytes.len())]) {
            Ok(0) => return,
            Ok(length) => bytes = &bytes[length..],
            Err(rustix::io::Errno::INTR) => {}
            // Another process that shares it has made it so.
            Err(rustix::io::Errno::AGAIN) => {
                let _ = poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], None);
            }
            Err(_) => return,
        }
    }
}

/// Which pipe a stream of this process leads to; `None` where it is no pipe.
pub(crate) fn pipe_of(stream: OutputStream) -> Option<(u64, u64)> {
    let metadata = match stream {
        OutputStream::Stdout => metadata(&io::stdout()),
        OutputStream::Stderr => metadata(&io::stderr()),
    }?;
    metadata.file_type().is_fifo().then(|| (metadata.dev(), metadata.ino()))
}

/// Whether no reader is left at the other end: of a pipe without readers, a terminal that is gone.
pub(crate) fn is_broken(stream: OutputStream) -> bool {
    match stream {
        OutputStream::Stdout => hung_up(&io::stdout()),
        OutputStream::Stderr => hung_up(&io::stderr()),
    }
}

/// What is written to this stream goes nowhere from now on, and does not fail.
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
