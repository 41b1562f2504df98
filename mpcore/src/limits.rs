//! Every default, bound and deadline of the runtime, each with its reason.
//!
//! Sizes are bytes unless the name says otherwise.

use std::time::Duration;

/// From the start of the process to `ready`: a device that needs longer to open says so with
/// [`Builder::start_deadline`](crate::Builder::start_deadline).
pub const START_DEADLINE: Duration = Duration::from_secs(30);

/// How long a running command may take to notice a stop request, before the child is sent SIGTERM.
pub const STOP_GRACE: Duration = Duration::from_secs(3);

/// The children of a child have ended this long before it is killed itself, so that it has time for its goodbye.
pub(crate) const NESTED_MARGIN: Duration = Duration::from_millis(500);

/// The stack of a child on a thread where a process has no limit of its own, in bytes.
pub(crate) const THREAD_STACK: usize = 8 << 20;

/// The most that such a child is given unasked.
pub(crate) const THREAD_STACK_MAX: usize = 256 << 20;

/// From SIGTERM to SIGKILL.
pub const TERMINATE_GRACE: Duration = Duration::from_secs(1);

/// From SIGKILL until a process that has not ended is given up: none takes that long that can be killed at all.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(1);

/// So many of what a child has started, and of the children and threads of each, are looked at when it is killed: a
/// child that has started a thousand must not hold up the end of another.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) const DESCENDANTS: usize = 256;

/// When a process that has ended and cannot be reaped yet is looked at again, and at most how much later each time.
pub(crate) const REAP_AGAIN: Duration = Duration::from_millis(10);
pub(crate) const REAP_AGAIN_MAX: Duration = Duration::from_secs(1);

/// How often a child that owes something is asked whether it still answers: a user who waits for a window
/// begins to wonder after about three.
pub const PING_INTERVAL: Duration = Duration::from_secs(1);

/// No child is asked more often.
pub(crate) const PING_INTERVAL_MIN: Duration = Duration::from_millis(10);

/// After so many intervals without an answer a child is unresponsive: one may be lost to a busy machine.
pub const PINGS_MISSED: u32 = 3;

/// How long a command whose time is over may take to notice it, before the child is killed for it, where
/// that is wanted: shorter than the grace of a stop, since it has had its time.
pub const OVERRUN_GRACE: Duration = Duration::from_millis(500);

/// When the watcher looks again at a child on which another thread was just acting.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long the outcome of a command may take that waits behind signals which a full inbox has held back,
/// once they are let through: all that a child queues, on a busy machine.
pub(crate) const HELD_UP_PATIENCE: Duration = Duration::from_secs(10);

/// How long the lanes of a dead child may take to be drained before the rest is given up.
pub(crate) const DRAIN_DEADLINE: Duration = Duration::from_secs(1);

/// How long the end of a run waits for the last lines of the child's output to be passed on to stdout, and to be read
/// where pipes cannot be polled: one that a grandchild still holds must not delay the outcomes.
pub(crate) const OUTPUT_DEADLINE: Duration = Duration::from_millis(40);

/// A child that has closed its lane is on its way out; this long, then it is helped along.
pub(crate) const CLOSED_LANE_PATIENCE: Duration = Duration::from_secs(1);

/// The most a child may say of itself before it is recognised: its interface and initial values.
#[cfg(target_os = "linux")]
pub(crate) const INTRODUCTION_BYTES: usize = 64 << 20;

/// What an introduction may take of memory beside twice its bytes: names and lists of a few bytes each are
/// larger when they are decoded.
#[cfg(target_os = "linux")]
pub(crate) const INTRODUCTION_ROOM: usize = 16 << 20;

/// What the types of an interface look like, as text: to say where two programs differ. What is longer is cut, and
/// then the place may be missing in the message.
pub(crate) const SHAPE_TEXT_BYTES: usize = 64 << 10;

/// A peer that connects to the endpoint and says nothing costs this long, then a fresh one is made.
pub(crate) const SILENT_PEER: Duration = Duration::from_secs(1);

/// What a greeting costs the controller: the endpoint, the connection, and its ends of the lanes.
pub(crate) const GREETING_DESCRIPTORS: usize = 6;

/// What a start through ipc-channel costs the controller at most: that, three pipes, and what the spawn
/// itself opens.
pub(crate) const START_DESCRIPTORS: usize = GREETING_DESCRIPTORS + 6;

/// How many endpoints one start tries, so that a stranger who connects to each of them cannot
/// keep it busy for ever.
pub(crate) const ENDPOINTS: usize = 5;

/// The least memory that a child can be limited to: what the framework has after the handshake is a
/// few hundred KiB and the stacks of its threads; the rest is for a lane's largest packets, and for the
/// child to say what went wrong.
pub(crate) const CHILD_MEMORY: u64 = 16 << 20;

/// Files that the framework opens in a child after the first record: lanes, the pipe of its signals, and
/// some to spare for what opens a file for a moment, such as a backtrace.
pub(crate) const CHILD_OPENS_FILES: u64 = 15;

/// The least number of open files that a child can be limited to: the three standard ones and two sockets
/// are there at the first record.
pub(crate) const CHILD_OPEN_FILES: u64 = 24;

/// From SIGXCPU to SIGKILL, in CPU time, which the system counts in seconds.
pub(crate) const CPU_TIME_GRACE: Duration = Duration::from_secs(1);

/// Paths of a sandbox: the first record has to fit a pipe, with the others that may follow it.
pub(crate) const SANDBOX_BYTES: usize = 32 << 10;

/// What `#[mpcore::main]` gives the children of a program that returns, on top of their own grace.
pub(crate) const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);

/// How long the end of the program waits for a stdout or stderr that takes nothing.
pub(crate) const FLUSH_DEADLINE: Duration = Duration::from_secs(2);

/// Before the first restart after a crash: long enough for a device or a port to be let go, short enough
/// that nobody takes the child for dead.
pub const RESTART_DELAY: Duration = Duration::from_millis(100);

/// Each further delay is this many times the one before.
pub const RESTART_BACKOFF: u32 = 2;

/// No delay is longer: whoever has mended the cause need not wait for it.
pub const RESTART_DELAY_MAX: Duration = Duration::from_secs(10);

/// So many restarts within [`RESTARTS_WITHIN`], then it is given up: a child that crashes at every start is
/// given up after some three seconds, one that crashes now and then never is.
pub const RESTARTS: u32 = 5;

/// See [`RESTARTS`].
pub const RESTARTS_WITHIN: Duration = Duration::from_secs(60);

/// Commands that may wait for a child that does not take them; the next one ends as `queue full`.
pub const QUEUE_COMMANDS: usize = 1_000_000;

/// Encoded arguments that may wait for a child that does not take them.
pub const QUEUE_BYTES: usize = 1 << 30;

/// Signals of one child that may wait for the thread that runs the handlers; beyond it the child
/// gets no more credit and queues on its own side.
pub const INBOX_ENTRIES: usize = 1_000_000;

/// Bytes of such signals.
pub const INBOX_BYTES: usize = 64 << 20;

/// The same where the bound is lifted, because a thread waits for this child or it is ending:
/// beyond it waiting ends with an error.
pub(crate) const INBOX_HARD_BYTES: usize = 1 << 30;

/// What a child queues while it has no credit; beyond it `emit` waits and `try_emit` gives up.
pub(crate) const CHILD_QUEUE_BYTES: usize = 64 << 20;

/// Entries of that queue.
pub(crate) const CHILD_QUEUE_ENTRIES: usize = 1_000_000;

/// Arguments up to this size are encoded on the caller's thread; larger ones by the writer, so that
/// a 64 MiB image does not hold the window.
pub(crate) const ENCODE_INLINE: usize = 64 << 10;

/// The largest single value, encoded: 256 MiB of data and some KiB for what stands around it, so that a
/// block of 256 MiB fits.
///
/// It is also all that a receiver keeps of a half-received value: the parts of two values never mix, so
/// there is at most one per lane, and one lane leads from a child to its controller. What is larger is
/// sent in parts, or written to a file whose path is sent.
pub const VALUE_BYTES: usize = (256 << 20) + (64 << 10);

/// How deep a value may be nested: each struct, tuple, enum, newtype, `Option`, sequence and map inside
/// another is a level. A recursive type could otherwise use up the stack of whoever decodes it. It is
/// checked when a value is encoded, too.
pub const VALUE_DEPTH: usize = 128;

/// The stack that decoding a nested value may use: a quarter of what Rust gives a thread. The levels of a
/// recursive type that holds large arrays need so much each that their number alone is no bound.
pub(crate) const DECODING_STACK: usize = 512 << 10;

/// The memory that one value may take up when it is decoded, as estimated from the sizes of the types in
/// it: a few bytes can stand for a large value, such as a row of `None`s. What a value contains counts
/// where it stands alone and once more for each level around it, and an element without a size as 1024
/// bytes, so a plain row of numbers may become this large, and one of structs half as large.
pub const DECODED_BYTES: usize = 1 << 30;

/// Captured lines of one stream of one child that may wait for the thread that runs the handlers, with
/// 128 bytes around each; what comes beyond it is dropped and counted.
pub const OUTPUT_BYTES: usize = 16 << 20;

/// Length at which a captured line is cut: records of a log are shorter, binary data is no line.
pub const OUTPUT_LINE_BYTES: usize = 64 << 10;

/// Lines of stderr kept for the exit report.
pub const STDERR_LINES: usize = 64;

/// Length at which such a line is cut.
pub const STDERR_LINE_BYTES: usize = 4096;

/// Credit of the lanes where the size of the kernel's buffer is unknown: fits the smallest default
/// of the systems ipc-channel supports.
pub(crate) const WINDOW_FALLBACK: u32 = 96 << 10;

/// Length at which the text and the backtrace of a panic are cut.
pub(crate) const PANIC_TEXT_BYTES: usize = 64 << 10;

/// The longest report of a child's on how something of its own went; its texts are copied into exit reports
/// and exceptions.
pub(crate) const REPORT_BYTES: usize = 1 << 20;

/// Length at which a reason to stop is cut: with everything else of its message it fits one packet.
pub(crate) const STOP_REASON_BYTES: usize = 1024;

/// Differences between two interfaces that are told one by one.
pub(crate) const DIFFERENCES: usize = 50;

/// Entries that the inbox delivers for one child before it turns to the next.
pub(crate) const INBOX_TURN: usize = 64;

/// No turn begins another entry after this: what takes longer is one handler.
pub(crate) const INBOX_TURN_TIME: Duration = Duration::from_millis(20);

/// A handler that holds the background inbox's thread this long, while other children's signals wait, is
/// given it for itself: twice this is the most that one child's handler delays the signals of another.
pub(crate) const HELD_INBOX: Duration = Duration::from_millis(40);
