//! Posting to a child's inbox, which never blocks: notices, changes of properties together with
//! their mirrors, and captured lines with the gaps between them.

use std::sync::Arc;

use crate::controller::flow_control::backlog::{Backlog, Offered};
use crate::controller::report::notifications::LinesDropped;
use crate::controller::signals::inbox::{Recipient, Wake};
use crate::controller::signals::mirror::Mirror;
use crate::controller::signals::notice::Notice;
use crate::controller::state::Shared;
use crate::process::stream::OutputStream;
use crate::sync::lock;
use crate::trace::event;
use crate::wire::packets::keyed::Key;

/// Posts a notice of this child and wakes the inbox's thread. Never blocks.
pub(crate) fn post(shared: &Arc<Shared>, notice: Notice) {
    enqueue(shared, notice).wake();
}

/// Posts a notice of this child. The caller wakes the inbox's thread after it has released its
/// locks.
pub(crate) fn enqueue(shared: &Arc<Shared>, notice: Notice) -> Wake {
    let list = match notice.key(|event| shared.is_latest(event)) {
        Some(key) => {
            shared.inbox.post_value(key, shared.options.inbox_bound, |_| {}, || Some(notice))
        }
        None => shared.inbox.post(|| notice),
    };
    listed(shared, list)
}

/// Lets `change` change a property's mirror, and posts a notice if it did.
pub(crate) fn enqueue_change(
    shared: &Arc<Shared>,
    property: u16,
    change: impl FnOnce(&Mirror) -> bool,
) -> Wake {
    let Some(mirror) = shared.mirrors.get(usize::from(property)) else { return Wake::none() };
    let list = shared.inbox.post_value(
        Key::Property(property),
        shared.options.inbox_bound,
        |older| older.take_value(&shared.mirrors),
        // Changed at the position of the notice: all notices posted earlier describe an earlier
        // time.
        || change(mirror).then_some(Notice::Property(property)),
    );
    listed(shared, list)
}

/// Posts the notice that `make` creates from a property's current value and version.
pub(crate) fn post_current(
    shared: &Arc<Shared>,
    property: u16,
    make: impl FnOnce(Arc<Vec<u8>>, u64) -> Notice,
) {
    let Some(mirror) = shared.mirrors.get(usize::from(property)) else { return };
    let list = shared.inbox.post(|| {
        let (bytes, version) = mirror.read();
        make(bytes, version)
    });
    listed(shared, list).wake();
}

/// Lists the child in its inbox, if that is necessary.
fn listed(shared: &Arc<Shared>, list: bool) -> Wake {
    if !list {
        return Wake::none();
    }
    shared.options.inbox.list(Arc::clone(shared) as Arc<dyn Recipient>)
}

/// Posts a line that the child has written, if there is room for it. Never blocks.
pub(crate) fn post_line(shared: &Arc<Shared>, stream: OutputStream, line: String) -> Offered {
    let mut backlog = lock(shared.captured.of(stream));
    let offered = backlog.offer(line.len());
    let wake = match offered {
        Offered::Taken => enqueue(shared, Notice::Line(stream, line)),
        Offered::Dropped => Wake::none(),
    };
    drop(backlog);
    wake.wake();
    offered
}

/// Called when a line has left the inbox: reports the dropped lines, if there is room for the next
/// line.
pub(crate) fn line_taken(shared: &Arc<Shared>, stream: OutputStream, length: usize) {
    post_gap(shared, stream, |backlog| backlog.taken_out(length));
}

/// Called when a run ends: reports the lines that were dropped last, because no more lines follow.
pub(crate) fn tell_dropped_lines(shared: &Arc<Shared>) {
    for stream in [OutputStream::Stdout, OutputStream::Stderr] {
        post_gap(shared, stream, Backlog::untold);
    }
}

/// Posts how many lines were dropped, if that is to be reported now.
fn post_gap(
    shared: &Arc<Shared>,
    stream: OutputStream,
    dropped: impl FnOnce(&mut Backlog) -> Option<u64>,
) {
    let mut backlog = lock(shared.captured.of(stream));
    let dropped = dropped(&mut backlog);
    let wake = match dropped {
        Some(lines) => enqueue(shared, Notice::LinesDropped(LinesDropped { stream, lines })),
        None => Wake::none(),
    };
    drop(backlog);
    wake.wake();
    if let Some(lines) = dropped {
        event!(
            WARN, "mpcore::output", in shared.run_span(), "lines dropped",
            stream = stream.to_string(), lines = lines,
        );
    }
}
