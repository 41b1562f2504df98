//! Every default, bound and deadline of the runtime, each with its reason.
//!
//! Sizes are bytes unless the name says otherwise. On the numbers at the end, the knobs, nothing but speed depends: in
//! the project's own tests amid chaos each process draws its own. A test asks of every number here whether it is a
//! knob, or why not.

use std::time::Duration;

use crate::chaos::Knob;

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

/// So many processes and threads of those that a child has started are looked at when it is killed: one that has started
/// thousands must not hold up the end of another. Each costs some twenty microseconds.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) const DESCENDANTS: usize = 1024;

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

/// What a greeting costs the controller: the endpoint, the connection, and its ends of the lanes.
pub(crate) const GREETING_DESCRIPTORS: usize = 6;

/// What a start through ipc-channel costs the controller at most: that, three pipes, and what the spawn
/// itself opens.
pub(crate) const START_DESCRIPTORS: usize = GREETING_DESCRIPTORS + 6;

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

/// The smallest credit window: a message of the control lane, with the longest reason to stop, is half of it at most.
pub(crate) const WINDOW_MIN: u32 = 16 << 10;

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

/// Makes the knobs: documentation, name and type, the number, and in brackets what else a process may draw amid chaos,
/// from the least that makes sense to far more than the number.
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
    /// Arguments up to this size are encoded on the caller's thread; larger ones by the writer, so that
    /// a 64 MiB image does not hold the window. Small ones never need that thread: they are on their way when the call
    /// has been made, supersede at once what they are newer than, and a config that is wrong is refused at once.
    ENCODE_INLINE: usize = 64 << 10, [1000, 32 << 10, 150_000];

    /// The most that a lane's credit window may be, whatever the kernel's buffer allows: no packet is longer than
    /// ipc-channel sends in one piece.
    WINDOW_MAX: u32 = 1 << 20, [WINDOW_MIN, 20_001, 48 << 10];

    /// No packet is longer; credit allows less anyway.
    PACKET_BYTES: usize = 1 << 20, [512, 1000, 4096];

    /// Items that have queued and go as one packet.
    PACKET_ITEMS: usize = 1 << 20, [1, 2, 7];

    /// How often the receiver of a lane reports what it has consumed, while it consumes one window.
    CREDIT_REPORTS: u64 = 2, [3, 16];

    /// Cancelled calls in one message of the control lane, where they [fit](WINDOW_MAX) a packet.
    CANCELLED_PER_MESSAGE: usize = 1000, [1, 2];

    /// The same for deadlines, which are longer.
    DEADLINES_PER_MESSAGE: usize = 500, [1, 2];

    /// Unless the builder says otherwise. Not so few that values go for newer ones in a moment of an ordinary program,
    /// which handlers see.
    DEFAULT_INBOX_ENTRIES: usize = INBOX_ENTRIES, [10_000, 100_000];

    /// The same for their bytes.
    DEFAULT_INBOX_BYTES: usize = INBOX_BYTES, [4 << 20, 16 << 20];

    /// Entries that the inbox delivers for one child before it turns to the next.
    INBOX_TURN: usize = 64, [1, 2, 1 << 20];

    /// No turn begins another entry after this: what takes longer is one handler.
    INBOX_TURN_TIME: Duration = Duration::from_millis(20), [Duration::ZERO, MS, Duration::from_secs(1)];

    /// A handler that holds the background inbox's thread this long, while other children's signals wait, is
    /// given it for itself: twice this is the most that one child's handler delays the signals of another.
    HELD_INBOX: Duration = Duration::from_millis(40), [MS, Duration::from_millis(5), Duration::from_millis(400)];

    /// After this long a drain of the background inbox begins anew, which costs nothing.
    BACKGROUND_DRAIN: Duration = Duration::from_secs(1), [Duration::ZERO, MS, Duration::from_secs(10)];

    /// Of a child's output, what is read at once.
    OUTPUT_CHUNK: usize = 64 << 10, [64, 1000, 1 << 20];

    /// A spawn takes a few milliseconds. After this long without any progress those that wait behind it get another
    /// thread.
    SPAWN_PATIENCE: Duration = Duration::from_millis(250), [MS, Duration::from_millis(20), Duration::from_secs(2)];

    /// When the watcher looks again at a child on which another thread was just acting.
    LOOK_AGAIN: Duration = Duration::from_millis(20), [MS, Duration::from_millis(200)];

    /// When a process that has ended and cannot be reaped yet is looked at again.
    REAP_AGAIN: Duration = Duration::from_millis(10), [MS, Duration::from_millis(200)];

    /// At most how much later each time.
    REAP_AGAIN_MAX: Duration = Duration::from_secs(1), [MS, Duration::from_millis(100), Duration::from_secs(2)];

    /// How many looks a start deadline is: a standstill of the controller takes one of them from the child's time.
    START_LOOKS: u32 = 16, [8, 50];

    /// A peer that connects to the endpoint and says nothing costs this long, then a fresh one is made.
    SILENT_PEER: Duration = Duration::from_secs(1), [Duration::from_millis(10), Duration::from_secs(3)];

    /// How many endpoints one start tries, so that a stranger who connects to each of them cannot
    /// keep it busy for ever.
    ENDPOINTS: usize = 5, [50];

    /// No system tells a process that a debugger has attached: so often it looks.
    DEBUGGER_LOOK: Duration = Duration::from_millis(50), [MS, Duration::from_millis(500)];

    /// Gaps in a row of entries that are worth no trouble.
    FEW_GAPS: usize = 32, [0, 1, 10_000];

    /// New structures of one value that are remembered; a value with more is read back again next time.
    FRESH_STRUCTURES: usize = 4096, [1, 16];

    /// Bytes from which on a value is read back in samples: it need not be in memory three times.
    SAMPLED_BYTES: usize = 1 << 20, [0, 1000, 64 << 20];

    /// The same for elements, which may be many in few bytes.
    SAMPLED_ELEMENTS: usize = 1 << 16, [0, 10, 1 << 30];

    /// Elements for which a visitor may make room at once: the count that the child claims may be a lie.
    ROOM_HINT: usize = 64 << 10, [0, 1, 1000];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{DEFAULT_INBOX_ENTRIES, ENCODE_INLINE, INBOX_ENTRIES, draws};
    use crate::chaos::{Draw, Role};

    const ROLES: [Role; 2] = [Role::Controller, Role::Child];

    /// The numbers that are the same amid chaos, and why.
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
            "deadlines: a shorter one gives up what would have come, a longer one keeps a promise too late",
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
            "where values begin to go for newer ones, which handlers see, and senders to wait",
            &["CHILD_QUEUE_BYTES", "CHILD_QUEUE_ENTRIES"],
        ),
        (
            "both sides count on it: what one sends the other must take",
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
            "what something costs, or needs at least: facts, not choices",
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
        ("the last resort, which no test may meet by chance", &["INBOX_HARD_BYTES", "DESCENDANTS"]),
        ("the unit of others", &["MS"]),
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
                assert!(!choices[..index].contains(choice), "{name}: {choice} stands there twice");
                assert!(seen.contains(&(name, choice.clone())), "{name} is never {choice}");
            }
        }
    }

    /// With `CHAOS_SEED=7` it tells the numbers: `CHAOS_SEED=7 cargo test -p mpcore --lib a_knob_is -- --nocapture`.
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
