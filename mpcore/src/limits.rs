//! Every default, bound and deadline of the runtime, each with its reason.
//!
//! Sizes are in bytes unless the name says otherwise. The numbers at the end, the knobs, affect
//! nothing but speed: in the project's own chaos tests each process draws its own. A test requires
//! that every number here is a knob or is listed with the reason why not.

use std::time::Duration;

use crate::chaos::Knob;

/// Time from the start of the process to `ready`. Raise it with
/// [`ControlBuilder::start_deadline`](crate::ControlBuilder::start_deadline) for a device that needs longer to
/// open.
pub const START_DEADLINE: Duration = Duration::from_secs(30);

/// Time a running command has to notice a stop request before the child is sent SIGTERM.
pub const STOP_GRACE: Duration = Duration::from_secs(3);

/// The children of a child must have ended this long before the child itself is killed, so that it
/// has time for its goodbye.
pub(crate) const NESTED_MARGIN: Duration = Duration::from_millis(500);

/// Stack size, in bytes, of a child on a thread if the process has no stack limit of its own.
pub(crate) const THREAD_STACK: usize = 8 << 20;

/// Largest stack that such a child gets by default.
pub(crate) const THREAD_STACK_MAX: usize = 256 << 20;

/// Time from SIGTERM to SIGKILL.
pub const TERMINATE_GRACE: Duration = Duration::from_secs(1);

/// Time after SIGKILL until a process that has not ended is given up. A process that can be killed
/// at all never takes this long.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(1);

/// How many processes and threads among the descendants of a child are examined when it is killed:
/// a child that has started thousands must not delay the end of another one. Each costs some twenty
/// microseconds.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) const DESCENDANTS: usize = 1024;

/// How often a child that owes something is asked whether it still answers: a user who waits for a
/// window becomes impatient after about three seconds.
pub const PING_INTERVAL: Duration = Duration::from_secs(1);

/// Shortest allowed ping interval.
pub(crate) const PING_INTERVAL_MIN: Duration = Duration::from_millis(10);

/// A child is unresponsive after this many intervals without an answer: one may be lost to a busy
/// machine.
pub const PINGS_MISSED: u32 = 3;

/// Time a command has to end after its deadline has passed, before the child is killed for it (if
/// so configured). Shorter than the grace of a stop, because the command has already had its time.
/// The child's own report of an overrun may take as long; then the controller reports it.
pub const OVERRUN_GRACE: Duration = Duration::from_millis(500);

/// How long the outcome of a command may take if it waits behind signals that a full inbox has held
/// back, counted from when they are let through: enough for everything that a child can queue, on a
/// busy machine.
pub(crate) const HELD_UP_PATIENCE: Duration = Duration::from_secs(10);

/// How long draining the lanes of a dead child may take before the rest is given up.
pub(crate) const DRAIN_DEADLINE: Duration = Duration::from_secs(1);

/// How long the end of a run waits for the last lines of the child's output to be passed on to
/// stdout, and to be read where pipes cannot be polled: a pipe that a grandchild still holds open
/// must not delay the outcomes.
pub(crate) const OUTPUT_DEADLINE: Duration = Duration::from_millis(40);

/// A child that has closed its lane is about to exit; after this long its end is forced.
pub(crate) const CLOSED_LANE_PATIENCE: Duration = Duration::from_secs(1);

/// Largest introduction that a child may send before it is recognised: its interface and initial
/// values.
#[cfg(target_os = "linux")]
pub(crate) const INTRODUCTION_BYTES: usize = 64 << 20;

/// Memory that an introduction may take in addition to twice its bytes: names and lists of a few
/// bytes each are larger when they are decoded.
#[cfg(target_os = "linux")]
pub(crate) const INTRODUCTION_ROOM: usize = 16 << 20;

/// Largest text that describes the types of an interface, used to report where two programs differ.
/// A longer text is cut, and then the message may lack the place.
pub(crate) const SHAPE_TEXT_BYTES: usize = 64 << 10;

/// Descriptors that a greeting costs the controller: the endpoint, the connection, and its ends of
/// the lanes.
pub(crate) const GREETING_DESCRIPTORS: usize = 6;

/// Descriptors that a start through ipc-channel costs the controller at most: those of the
/// greeting, three pipes, and those that the spawn itself opens.
pub(crate) const START_DESCRIPTORS: usize = GREETING_DESCRIPTORS + 6;

/// Smallest memory limit that a child can be given: after the handshake the framework has allocated
/// a few hundred KiB plus the stacks of its threads; the rest is for a lane's largest packets, and
/// for the child to report what went wrong.
pub(crate) const CHILD_MEMORY: u64 = 16 << 20;

/// Files that the framework opens in a child after the first record: lanes, the pipe of its
/// signals, and some to spare for code that opens a file for a moment, such as a backtrace.
pub(crate) const CHILD_OPENS_FILES: u64 = 15;

/// Smallest limit of open files that a child can be given: the three standard ones and two sockets
/// are already open at the first record.
pub(crate) const CHILD_OPEN_FILES: u64 = 24;

/// CPU time from SIGXCPU to SIGKILL; the system counts it in seconds.
pub(crate) const CPU_TIME_GRACE: Duration = Duration::from_secs(1);

/// Size of a sandbox's paths: the first record has to fit a pipe, together with the others that may
/// follow it.
pub(crate) const SANDBOX_BYTES: usize = 32 << 10;

/// Time that `#[mpcore::main]` gives the children of a program that returns, in addition to their
/// own grace.
pub(crate) const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);

/// How long the end of the program waits for a stdout or stderr that accepts nothing.
pub(crate) const FLUSH_DEADLINE: Duration = Duration::from_secs(2);

/// Delay before the first restart after a crash: long enough for a device or a port to be released,
/// short enough that the child does not appear to be dead.
pub const RESTART_DELAY: Duration = Duration::from_millis(100);

/// Each further delay is this many times the one before.
pub const RESTART_BACKOFF: u32 = 2;

/// Longest delay, so that the child returns soon after the cause has been fixed.
pub const RESTART_DELAY_MAX: Duration = Duration::from_secs(10);

/// The child is given up after this many restarts within [`RESTARTS_WITHIN`]: a child that crashes
/// at every start is given up after some three seconds, one that crashes now and then never is.
pub const RESTARTS: u32 = 5;

/// See [`RESTARTS`].
pub const RESTARTS_WITHIN: Duration = Duration::from_secs(60);

/// Commands that may wait for a child that does not read them; the next one fails with
/// `queue full`.
pub const QUEUE_COMMANDS: usize = 1_000_000;

/// Bytes of encoded arguments that may wait for a child that does not read them.
pub const QUEUE_BYTES: usize = 1 << 30;

/// Signals of one child that may wait for the thread that runs the handlers. Beyond this the child
/// gets no more credit and queues on its own side.
pub const INBOX_ENTRIES: usize = 1_000_000;

/// Bytes of such signals.
pub const INBOX_BYTES: usize = 64 << 20;

/// The byte bound while the normal one is lifted, because a thread waits for this child or the
/// child is ending. Beyond this, waiting ends with an error.
pub(crate) const INBOX_HARD_BYTES: usize = 1 << 30;

/// Bytes that a child queues while it has no credit; beyond this `emit` waits and `try_emit` gives
/// up.
pub(crate) const CHILD_QUEUE_BYTES: usize = 64 << 20;

/// Entries of that queue.
pub(crate) const CHILD_QUEUE_ENTRIES: usize = 1_000_000;

/// The largest single value, encoded: 256 MiB of data and some KiB for the encoding around it, so
/// that a block of 256 MiB fits.
///
/// It also limits what a receiver keeps of a half-received value: the parts of two values never
/// mix, so there is at most one per lane, and only one lane leads from a child to its controller.
/// Send larger data in parts, or write it to a file and send the path.
pub const VALUE_BYTES: usize = (256 << 20) + (64 << 10);

/// How deep a value may be nested: each struct, tuple, enum, newtype, `Option`, sequence and map
/// inside another is a level. Otherwise a recursive type could exhaust the decoder's stack. The
/// depth is also checked when a value is encoded.
pub const VALUE_DEPTH: usize = 128;

/// Stack that decoding a nested value may use: a quarter of what Rust gives a thread. Each level of
/// a recursive type that holds large arrays needs so much stack that limiting the number of levels
/// is not enough.
pub(crate) const DECODING_STACK: usize = 512 << 10;

/// Memory that one value may take up when it is decoded, as estimated from the sizes of the types
/// in it: a few bytes can decode to a large value, such as a row of `None`s. A nested value counts
/// once by itself and once more for each level around it, and an element of unknown size counts as
/// 1024 bytes. So a plain row of numbers may become this large, and a row of structs half as large.
pub const DECODED_BYTES: usize = 1 << 30;

/// Bytes of captured lines of one stream of one child that may wait for the thread that runs the
/// handlers, counting 128 bytes of overhead per line. Lines beyond this are dropped and counted.
pub const OUTPUT_BYTES: usize = 16 << 20;

/// Length at which a captured line is cut: log records are shorter, and binary data has no lines.
pub const OUTPUT_LINE_BYTES: usize = 64 << 10;

/// Lines of stderr kept for the exit report.
pub const STDERR_LINES: usize = 64;

/// Length at which such a line is cut.
pub const STDERR_LINE_BYTES: usize = 4096;

/// The smallest credit window: a message of the control lane, with the longest stop reason, takes
/// at most half of it.
pub(crate) const WINDOW_MIN: u32 = 16 << 10;

/// Credit of the lanes if the size of the kernel's buffer is unknown: fits the smallest default of
/// the systems that ipc-channel supports.
pub(crate) const WINDOW_FALLBACK: u32 = 96 << 10;

/// Length at which the text and the backtrace of a panic are cut.
pub(crate) const PANIC_TEXT_BYTES: usize = 64 << 10;

/// Largest report of a child about the result of its own code; its texts are copied into exit
/// reports and exceptions.
pub(crate) const REPORT_BYTES: usize = 1 << 20;

/// Length at which a stop reason is cut: together with the rest of its message it fits one packet.
pub(crate) const STOP_REASON_BYTES: usize = 1024;

/// Number of differences between two interfaces that are reported individually.
pub(crate) const DIFFERENCES: usize = 50;

/// Declares the knobs: documentation, name and type, the number, and in brackets the other numbers
/// that a process may draw in chaos tests, from the smallest sensible one to far more than the
/// number.
macro_rules! knobs {
    ($($(#[$about:meta])* $name:ident: $type:ty = $value:expr, [$($other:expr),+];)+) => {
        $($(#[$about])* pub(crate) const $name: Knob<$type> =
            Knob::new(stringify!($name), $value, &[$($other),+]);)+

        #[cfg(test)]
        fn draws(seed: u64, role: crate::chaos::Role) -> Vec<crate::chaos::Draw> {
            vec![$($name.draw(seed, role)),+]
        }
    };
}

const MS: Duration = Duration::from_millis(1);

knobs! {
    /// Arguments up to this size are encoded on the caller's thread; larger ones by the writer, so
    /// that a 64 MiB image does not block the window. Small ones never need that thread: they are
    /// sent during the call, immediately supersede older values, and an invalid config is refused
    /// immediately.
    ENCODE_INLINE: usize = 64 << 10, [1000, 32 << 10, 150_000];

    /// Upper bound of a lane's credit window, whatever the kernel's buffer allows: no packet is
    /// longer than ipc-channel sends in one piece.
    WINDOW_MAX: u32 = 1 << 20, [WINDOW_MIN, 20_001, 48 << 10];

    /// Longest packet; credit allows less anyway.
    PACKET_BYTES: usize = 1 << 20, [512, 1000, 4096];

    /// Most queued items that are sent as one packet.
    PACKET_ITEMS: usize = 1 << 20, [1, 2, 7];

    /// How often the receiver of a lane reports what it has read, while it reads one window.
    CREDIT_REPORTS: u64 = 2, [3, 16];

    /// Cancelled calls in one message of the control lane, if they [fit](WINDOW_MAX) a packet.
    CANCELLED_PER_MESSAGE: usize = 1000, [1, 2];

    /// The same for deadlines, which are longer.
    DEADLINES_PER_MESSAGE: usize = 500, [1, 2];

    /// Default of the builder. Not so small that newer values replace older ones during a brief
    /// delay of an ordinary program, because handlers would see that.
    DEFAULT_INBOX_ENTRIES: usize = INBOX_ENTRIES, [10_000, 100_000];

    /// The same for their bytes.
    DEFAULT_INBOX_BYTES: usize = INBOX_BYTES, [4 << 20, 16 << 20];

    /// Entries that the inbox delivers for one child before it turns to the next.
    INBOX_TURN: usize = 64, [1, 2, 1 << 20];

    /// A turn begins no further entry after this time; anything that takes longer is a single
    /// handler.
    INBOX_TURN_TIME: Duration = Duration::from_millis(20), [Duration::ZERO, MS, Duration::from_secs(1)];

    /// If a handler holds the background inbox's thread this long while signals of other children
    /// wait, it keeps that thread for itself. Twice this is the most that one child's handler
    /// delays the signals of another.
    HELD_INBOX: Duration = Duration::from_millis(40), [MS, Duration::from_millis(5), Duration::from_millis(400)];

    /// After this long a drain of the background inbox starts over, which costs nothing.
    BACKGROUND_DRAIN: Duration = Duration::from_secs(1), [Duration::ZERO, MS, Duration::from_secs(10)];

    /// Bytes of a child's output that are read at once.
    OUTPUT_CHUNK: usize = 64 << 10, [64, 1000, 1 << 20];

    /// A spawn takes a few milliseconds. After this long without any progress, the spawns that wait
    /// behind it get another thread.
    SPAWN_PATIENCE: Duration = Duration::from_millis(250), [MS, Duration::from_millis(20), Duration::from_secs(2)];

    /// When the watcher examines a child again on which another thread was just acting.
    LOOK_AGAIN: Duration = Duration::from_millis(20), [MS, Duration::from_millis(200)];

    /// When a process that has ended but cannot be reaped yet is examined again.
    REAP_AGAIN: Duration = Duration::from_millis(10), [MS, Duration::from_millis(200)];

    /// Upper bound of that delay, which grows with each attempt.
    REAP_AGAIN_MAX: Duration = Duration::from_secs(1), [MS, Duration::from_millis(100), Duration::from_secs(2)];

    /// Number of checks that a start deadline is divided into: a stall of the controller takes only
    /// one of them from the child's time.
    START_LOOKS: u32 = 16, [8, 50];

    /// Time that a peer costs which connects to the endpoint and sends nothing; then a fresh
    /// endpoint is made.
    SILENT_PEER: Duration = Duration::from_secs(1), [Duration::from_millis(10), Duration::from_secs(3)];

    /// How many endpoints one start tries, so that a stranger who connects to each of them cannot
    /// keep it busy for ever.
    ENDPOINTS: usize = 5, [50];

    /// No system notifies a process when a debugger attaches, so the process checks this often.
    DEBUGGER_LOOK: Duration = Duration::from_millis(50), [MS, Duration::from_millis(500)];

    /// Gaps in a row of entries that are too few to be worth compacting.
    FEW_GAPS: usize = 32, [0, 1, 10_000];

    /// New structures of one value that are remembered; a value with more is read back again next
    /// time.
    FRESH_STRUCTURES: usize = 4096, [1, 16];

    /// Size in bytes from which a value is read back in samples, so that it need not be in memory
    /// three times.
    SAMPLED_BYTES: usize = 1 << 20, [0, 1000, 64 << 20];

    /// The same for the number of elements, since few bytes may hold many.
    SAMPLED_ELEMENTS: usize = 1 << 16, [0, 10, 1 << 30];

    /// Elements for which a visitor may reserve room in advance: the count that the child claims
    /// may be a lie.
    ROOM_HINT: usize = 64 << 10, [0, 1, 1000];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{DEFAULT_INBOX_ENTRIES, ENCODE_INLINE, INBOX_ENTRIES, draws};
    use crate::chaos::{Draw, Role};

    const ROLES: [Role; 2] = [Role::Controller, Role::Child];

    /// The numbers that stay the same in chaos tests, and why.
    const PINNED: &[(&str, &[&str])] = &[
        (
            "public: users and their tests rely on the default, or on what is refused, cut or dropped beyond it",
            &[
                "START_DEADLINE",
                "STOP_GRACE",
                "TERMINATE_GRACE",
                "PING_INTERVAL",
                "PING_INTERVAL_MIN",
                "PINGS_MISSED",
                "OVERRUN_GRACE",
                "RESTART_DELAY",
                "RESTART_BACKOFF",
                "RESTART_DELAY_MAX",
                "RESTARTS",
                "RESTARTS_WITHIN",
                "QUEUE_COMMANDS",
                "QUEUE_BYTES",
                "INBOX_ENTRIES",
                "INBOX_BYTES",
                "VALUE_BYTES",
                "VALUE_DEPTH",
                "DECODED_BYTES",
                "OUTPUT_BYTES",
                "OUTPUT_LINE_BYTES",
                "STDERR_LINES",
                "STDERR_LINE_BYTES",
            ],
        ),
        (
            "deadlines: a shorter one gives up too early, a longer one keeps a promise too late",
            &[
                "NESTED_MARGIN",
                "KILL_GRACE",
                "HELD_UP_PATIENCE",
                "DRAIN_DEADLINE",
                "OUTPUT_DEADLINE",
                "CLOSED_LANE_PATIENCE",
                "CPU_TIME_GRACE",
                "SHUTDOWN_DEADLINE",
                "FLUSH_DEADLINE",
            ],
        ),
        (
            "bounds at which newer values replace older ones, which handlers see, and senders begin to wait",
            &["CHILD_QUEUE_BYTES", "CHILD_QUEUE_ENTRIES"],
        ),
        (
            "both sides rely on it: one must accept what the other sends",
            &[
                "INTRODUCTION_BYTES",
                "INTRODUCTION_ROOM",
                "SHAPE_TEXT_BYTES",
                "SANDBOX_BYTES",
                "PANIC_TEXT_BYTES",
                "REPORT_BYTES",
                "STOP_REASON_BYTES",
                "DIFFERENCES",
            ],
        ),
        (
            "costs and minimum needs: facts, not choices",
            &[
                "THREAD_STACK",
                "THREAD_STACK_MAX",
                "DECODING_STACK",
                "GREETING_DESCRIPTORS",
                "START_DESCRIPTORS",
                "CHILD_MEMORY",
                "CHILD_OPENS_FILES",
                "CHILD_OPEN_FILES",
                "WINDOW_MIN",
                "WINDOW_FALLBACK",
            ],
        ),
        (
            "the last resort, which no test may reach by chance",
            &["INBOX_HARD_BYTES", "DESCENDANTS"],
        ),
        ("the unit of the others", &["MS"]),
    ];

    #[test]
    fn every_number_is_a_knob_or_pinned_with_a_reason() {
        let source = include_str!("limits.rs");
        let (source, _) = source.split_once("#[cfg(test)]\nmod tests").unwrap();
        let name = |line: &str| {
            let (_, rest) = line.split_once("const ").filter(|(before, _)| {
                before.is_empty() || (before.starts_with("pub") && !before.contains("//"))
            })?;
            rest.split_once(':').map(|(name, _)| name.to_owned())
        };
        let mut numbers: Vec<_> = source.lines().filter_map(name).collect();
        let mut pinned: Vec<_> = PINNED.iter().flat_map(|(_, names)| *names).copied().collect();
        numbers.sort_unstable();
        pinned.sort_unstable();
        assert_eq!(numbers, pinned, "a new number is a knob, or pinned here with its reason");
    }

    #[test]
    fn every_knob_is_drawn_in_range_and_the_same_for_the_same_seed() {
        let mut seen = BTreeSet::new();
        for (seed, role) in (1..=100).flat_map(|seed| ROLES.map(|role| (seed, role))) {
            let knobs = draws(seed, role);
            assert_eq!(knobs, draws(seed, role), "{seed}, {role:?}");
            for Draw { name, drawn, choices } in knobs {
                assert!(choices.contains(&drawn), "{name}: {drawn}");
                seen.insert((name, drawn));
            }
        }
        for Draw { name, choices, .. } in draws(1, Role::Child) {
            for (index, choice) in choices.iter().enumerate() {
                assert!(!choices[..index].contains(choice), "{name}: {choice} is listed twice");
                assert!(seen.contains(&(name, choice.clone())), "{name} is never {choice}");
            }
        }
    }

    /// Prints the numbers with `CHAOS_SEED=7`:
    /// `CHAOS_SEED=7 cargo test -p mpcore --lib a_knob_is -- --nocapture`.
    #[test]
    fn a_knob_is_its_default_without_a_seed() {
        let Some(seed) = std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok()) else {
            assert_eq!(ENCODE_INLINE.get(), 64 << 10);
            assert_eq!(DEFAULT_INBOX_ENTRIES.get(), INBOX_ENTRIES);
            return;
        };
        let [controller, child] = ROLES.map(|role| draws(seed, role));
        for (ours, theirs) in controller.iter().zip(&child) {
            let Draw { name, drawn, choices } = ours;
            println!(
                "{name}: {}, in a controller {drawn}, in a child {}",
                choices[0], theirs.drawn
            );
        }
        assert_eq!(format!("{:?}", ENCODE_INLINE.get()), controller[0].drawn);
    }
}
