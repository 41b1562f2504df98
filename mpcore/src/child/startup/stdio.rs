//! The child's standard streams: output of its commands must not end them.
//!
//! Rust's `println!` panics if it cannot write. Streams that lead to the controller break when the
//! controller ends, while commands end and `cleanup` runs; from then on they lead to null.

use std::sync::OnceLock;

use crate::process::stream::OutputStream;
use crate::process::sys;

const STREAMS: [OutputStream; 2] = [OutputStream::Stdout, OutputStream::Stderr];

/// The pipes to the controller that this process started with. If the application has replaced a
/// stream since, that stream is left alone.
static PIPES: OnceLock<[Option<(u64, u64)>; 2]> = OnceLock::new();

/// Called at the start.
pub(crate) fn begin() {
    leave_what_is_broken();
    let _ = PIPES.set(STREAMS.map(sys::pipe_of));
}

/// Called before `cleanup`, which may print even if the controller is gone.
pub(crate) fn before_cleanup(controller_is_lost: bool) {
    if controller_is_lost {
        controller_lost();
    }
    leave_what_is_broken();
}

/// Redirects streams that are already broken to null.
fn leave_what_is_broken() {
    STREAMS.into_iter().filter(|it| sys::is_broken(*it)).for_each(sys::to_null);
}

/// Redirects the controller's pipes to null: the controller is gone, so they have no reader any
/// more.
pub(crate) fn controller_lost() {
    for (stream, pipe) in STREAMS.into_iter().zip(PIPES.get().copied().unwrap_or_default()) {
        if pipe.is_some() && pipe == sys::pipe_of(stream) {
            sys::to_null(stream);
        }
    }
}
