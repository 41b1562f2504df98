//! The neighbours, one row each: what it needs, how the program is started, and what must hold.

use intercept::Refused;

use super::needs::{self, Need};
use super::round::{Around, Given};

/// One neighbour.
pub(super) struct Neighbour {
    /// The name in `surroundings.rs`, if it is created in the controller's own process.
    pub(super) name: &'static str,
    /// A description for the page.
    pub(super) about: &'static str,
    pub(super) needs: &'static [Need],
    /// How the program is started.
    pub(super) around: Around,
    /// Whether another child was started before.
    pub(super) beside: bool,
    pub(super) promise: Promise,
    /// Whether the report of each end includes its status.
    pub(super) statuses: bool,
    /// The descriptors and threads at the end beyond those without a neighbour.
    pub(super) more: fn(usize) -> (isize, isize),
}

/// What must hold while the neighbour is present.
#[derive(Clone, Copy)]
pub(super) enum Promise {
    /// Everything works.
    Works,
    /// Each step works or reports why it does not.
    Tells,
    /// No child starts, for this reason.
    Refuses(&'static str),
}

/// The baseline for all others.
pub(super) const NONE: Neighbour = Neighbour {
    name: "none",
    about: "none",
    needs: &[],
    around: Around::Nothing,
    beside: true,
    promise: Promise::Works,
    statuses: true,
    more: |_| (0, 0),
};

const fn inside(name: &'static str, about: &'static str) -> Neighbour {
    Neighbour { name, about, ..NONE }
}

const fn outside(about: &'static str, around: Around) -> Neighbour {
    Neighbour { name: "outside", about, around, ..NONE }
}

const fn refused(number: i64, errno: i32) -> Refused {
    Refused { number, first_argument: None, errno }
}

const PIDFD_UNKNOWN: &[Refused] = &[refused(libc::SYS_pidfd_open, libc::ENOSYS)];
const PIDFD_REFUSED: &[Refused] = &[refused(libc::SYS_pidfd_open, libc::EPERM)];
/// Like Linux before 5.4, which has pidfds but cannot wait for them.
const NO_WAIT_FOR_PIDFD: &[Refused] = &[Refused {
    number: libc::SYS_waitid,
    first_argument: Some(libc::P_PIDFD),
    errno: libc::EINVAL,
}];

pub(super) const NEIGHBOURS: &[Neighbour] = &[
    NONE,
    Neighbour {
        needs: &[needs::IGNORES_SIGNALS],
        statuses: false,
        ..outside("SIGCHLD is ignored", Around::Words(&["env", "--ignore-signal=CHLD"]))
    },
    Neighbour { statuses: false, ..inside("another reaper", "a thread waits for every child") },
    outside("`pidfd_open` is unknown", Around::Refused(PIDFD_UNKNOWN)),
    outside("`pidfd_open` is refused", Around::Refused(PIDFD_REFUSED)),
    outside("`waitid` takes no pidfd", Around::Refused(NO_WAIT_FOR_PIDFD)),
    Neighbour {
        beside: false,
        ..inside("a daemon", "the application forks before its first start, and the copy goes on")
    },
    inside("a copy that lives on", "the application forks, and the copy lives on"),
    Neighbour {
        needs: &[needs::TERMINAL],
        around: Around::Terminal,
        ..inside("the terminal", "a terminal that stops background processes which print")
    },
    Neighbour {
        // Its output is forwarded by a thread.
        more: |_| (2, 1),
        ..outside("the reader of stdout is gone", Around::Given(Given::PipeWithoutReader))
    },
    Neighbour {
        needs: &[needs::IGNORES_SIGNALS],
        ..outside(
            "signals are blocked",
            Around::Words(&["env", "--block-signal=TERM,HUP,INT,CHLD,USR1,PIPE"]),
        )
    },
    Neighbour {
        more: |round| ([-3, -1, -2, -2][round % 4], 0),
        ..inside("closed", "descriptors of 0 to 2 are closed")
    },
    Neighbour {
        needs: &[needs::LOADER],
        ..outside("started through its loader (`ld.so`)", Around::Loader)
    },
    Neighbour { needs: &[needs::ROOT, needs::UNSHARE], ..inside("no /proc", "no `/proc`") }.within(
        Around::Words(&[
            "unshare",
            "--mount",
            "sh",
            "-c",
            "mount -t tmpfs none /proc && exec \"$@\"",
            "sh",
        ]),
    ),
    Neighbour {
        needs: &[needs::ROOT, needs::UNSHARE],
        ..outside(
            "first process of its system, as in a container",
            Around::Words(&["unshare", "--pid", "--fork", "--mount-proc"]),
        )
    },
    Neighbour {
        promise: Promise::Refuses("the working directory"),
        ..inside("directory missing", "the child's folder is missing")
    },
    Neighbour {
        promise: Promise::Refuses("is not a directory"),
        ..inside("directory is a file", "the child's folder is a file")
    },
    inside("odd words", "name, arguments, variables and folder are odd: spaces, escapes, no UTF-8"),
    Neighbour {
        promise: Promise::Refuses("contains a NUL"),
        ..inside("a NUL", "an argument that no program can be given")
    },
    outside("no environment", Around::Given(Given::NoEnvironment)),
    outside("its own folder is deleted", Around::Given(Given::DeletedFolder)),
    Neighbour {
        beside: false,
        promise: Promise::Tells,
        ..inside("few descriptors", "a shortage of descriptors at the first start")
    },
    Neighbour {
        beside: false,
        promise: Promise::Tells,
        needs: &[needs::ROOT, needs::SETPRIV],
        around: Around::Stranger,
        ..inside("few threads", "a shortage of threads at the first start")
    },
    inside("a handler that waits", "a handler of another child waits"),
    inside("interruptions", "the application is interrupted a thousand times a second"),
    outside("the application stalls now and then", Around::Frozen),
    outside("`MPCORE_RUN_UNDER`", Around::Words(&["env", "MPCORE_RUN_UNDER=env MARK=under"])),
    Neighbour {
        needs: &[needs::TRACING],
        ..inside("held by a tracer", "another child is killed, and a tracer holds it")
    },
    Neighbour {
        needs: &[needs::TRACING],
        ..inside(
            "its tracer does not wait",
            "another child has ended, and its tracer does not wait",
        )
    },
    Neighbour {
        needs: &[needs::ROOT, needs::FANOTIFY],
        // A thread that spawns never ends, and serves the next start.
        more: |_| (0, 1),
        ..inside("a start that hangs", "the system does not come to start another child")
    },
];

impl Neighbour {
    const fn within(self, around: Around) -> Self {
        Self { around, ..self }
    }
}
