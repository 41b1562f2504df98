//! Where a child's standard streams lead: what its commands print must not end them.
//!
//! Rust's `println!` panics where it cannot write. The streams that lead to the controller break with it,
//! while commands end and `cleanup` runs; from then on they lead nowhere.

use std::sync::OnceLock;

use crate::process::stream::OutputStream;
use crate::process::sys;

const STREAMS: [OutputStream; 2] = [OutputStream::Stdout, OutputStream::Stderr];

/// The pipes to the controller, as this process has begun with them: what the application has put in their
/// place since is its own.
static PIPES: OnceLock<[Option<(u64, u64)>; 2]> = OnceLock::new();

/// At the start.
pub(super) fn begin() {
    leave_what_is_broken();
    let _ = PIPES.set(STREAMS.map(sys::pipe_of));
}

/// `cleanup` prints as it likes, also where the controller is gone.
pub(super) fn before_cleanup(controller_is_lost: bool) {
    if controller_is_lost {
        controller_lost();
    }
    leave_what_is_broken();
}

/// What is broken already leads nowhere.
fn leave_what_is_broken() {
    STREAMS.into_iter().filter(|it| sys::is_broken(*it)).for_each(sys::to_null);
}

/// The controller is gone, and nobody reads its pipes any more.
pub(super) fn controller_lost() {
    for (stream, pipe) in STREAMS.into_iter().zip(PIPES.get().copied().unwrap_or_default()) {
        if pipe.is_some() && pipe == sys::pipe_of(stream) {
            sys::to_null(stream);
        }
    }
}
