//! The clock that all processes of the machine share.

/// Returns the nanoseconds since the machine was started.
#[cfg(unix)]
#[must_use]
pub fn nanoseconds() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or_default() * 1_000_000_000
        + u64::try_from(now.tv_nsec).unwrap_or_default()
}

/// Returns the nanoseconds since 1970, the best available alternative.
#[cfg(not(unix))]
#[must_use]
pub fn nanoseconds() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(now.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}
