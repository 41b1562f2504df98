//! Detects whether this process is a forked copy of the one that has started children.
//!
//! A copy has the memory and the descriptors of the original, but none of its threads: everything
//! it sent would go to the original's children, and anything it waited for would never come. So the
//! runtime does nothing in a copy.
//!
//! The check costs a load from memory: on Linux there is one page that the kernel clears in every
//! copy, however the copy is made. If the kernel does not support such pages (before 4.14), and on
//! other systems, the process id is compared.

use std::sync::OnceLock;

static ORIGINAL: OnceLock<Original> = OnceLock::new();

enum Original {
    #[cfg(target_os = "linux")]
    Page(page::Page),
    Number(u32),
}

/// Marks this process as the original. A copy that was made before does not count as one.
pub(crate) fn this_is_the_original() {
    ORIGINAL.get_or_init(|| {
        #[cfg(target_os = "linux")]
        if let Some(page) = page::Page::new() {
            return Original::Page(page);
        }
        Original::Number(std::process::id())
    });
}

/// Returns whether this process is a copy of the original.
pub(crate) fn is_copy() -> bool {
    match ORIGINAL.get() {
        None => false,
        #[cfg(target_os = "linux")]
        Some(Original::Page(page)) => page.was_cleared(),
        Some(Original::Number(number)) => *number != std::process::id(),
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
mod page {
    use std::ptr::{NonNull, null_mut};
    use std::sync::atomic::{AtomicU8, Ordering};

    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};

    /// The kernel rounds this up to a page.
    const LENGTH: usize = 1;

    /// A page that is never unmapped, and that is cleared in each copy of this process.
    pub(super) struct Page(NonNull<AtomicU8>);

    // SAFETY: it points to an atomic that lives as long as the process.
    unsafe impl Send for Page {}
    // SAFETY: see above.
    unsafe impl Sync for Page {}

    impl Page {
        /// Maps a page. Returns `None` if the kernel does not support it.
        pub(super) fn new() -> Option<Self> {
            let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
            // SAFETY: a fresh mapping at an address of the kernel's choice touches no other memory.
            let start = unsafe { mmap_anonymous(null_mut(), LENGTH, access, flags) }.ok()?;
            // SAFETY: only this code uses the mapping, and it holds nothing yet.
            unsafe { madvise(start, LENGTH, Advice::LinuxWipeOnFork) }.ok()?;
            let page = Self(NonNull::new(start.cast())?);
            page.byte().store(1, Ordering::Relaxed);
            Some(page)
        }

        pub(super) fn was_cleared(&self) -> bool {
            self.byte().load(Ordering::Relaxed) == 0
        }

        fn byte(&self) -> &AtomicU8 {
            // SAFETY: mapped for reading and writing, aligned, zero at first, and never unmapped.
            unsafe { self.0.as_ref() }
        }
    }
}
