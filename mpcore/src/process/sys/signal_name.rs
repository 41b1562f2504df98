//! The names of signals.

#[cfg(unix)]
use rustix::process::Signal;

#[cfg(unix)]
pub(crate) fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        5 => "SIGTRAP",
        _ if signal == libc_bus() => "SIGBUS",
        _ if signal == Signal::USR1.as_raw() => "SIGUSR1",
        _ if signal == Signal::USR2.as_raw() => "SIGUSR2",
        _ if signal == Signal::VTALARM.as_raw() => "SIGVTALRM",
        _ if signal == Signal::PROF.as_raw() => "SIGPROF",
        _ if signal == Signal::IO.as_raw() => "SIGIO",
        #[cfg(target_os = "linux")]
        _ if signal == Signal::POWER.as_raw() => "SIGPWR",
        #[cfg(target_os = "linux")]
        _ if signal == Signal::STKFLT.as_raw() => "SIGSTKFLT",
        _ if signal == Signal::SYS.as_raw() => "SIGSYS",
        _ if signal == Signal::XCPU.as_raw() => "SIGXCPU",
        _ if signal == Signal::XFSZ.as_raw() => "SIGXFSZ",
        _ => return None,
    })
}

#[cfg(windows)]
pub(crate) fn signal_name(_signal: i32) -> Option<&'static str> {
    None
}

/// SIGBUS is 7 on Linux and 10 on the BSDs.
#[cfg(unix)]
fn libc_bus() -> i32 {
    Signal::BUS.as_raw()
}
