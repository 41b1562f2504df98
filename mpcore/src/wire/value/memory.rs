//! Checks that there is memory for data whose size another process has decided.
//!
//! An allocation that fails ends the process, and most allocations are made by code that cannot
//! handle that: the user's `Deserialize`, a clone. So large ones are tried first, and released
//! again. Smaller ones are left to chance, like everything else that a program allocates.

use std::hint::black_box;

/// Smallest size that is tried: so large that the attempt costs nothing compared with the use of
/// the memory.
pub(crate) const TRIED: usize = 1 << 20;

/// The memory is not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no memory for {} MiB that another process sends", .0.div_ceil(1 << 20))]
pub(crate) struct NoMemory(pub(crate) usize);

/// Checks whether this many bytes could be allocated at this moment.
pub(crate) fn room_for(bytes: usize) -> Result<(), NoMemory> {
    if bytes < TRIED {
        return Ok(());
    }
    let mut room = Vec::<u8>::new();
    let tried = room.try_reserve_exact(bytes).map_err(|_| NoMemory(bytes));
    // The compiler may remove an allocation that is not used.
    black_box(&room);
    tried
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_can_be_is_refused() {
        assert_eq!(room_for(0), Ok(()));
        assert_eq!(room_for(TRIED), Ok(()));
        assert_eq!(room_for(usize::MAX / 2), Err(NoMemory(usize::MAX / 2)));
        assert_eq!(room_for(usize::MAX), Err(NoMemory(usize::MAX)));
        assert!(NoMemory(3 << 20).to_string().contains(" 3 MiB"));
    }
}
