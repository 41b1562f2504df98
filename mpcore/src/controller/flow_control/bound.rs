//! How full a child's inbox is, compared with its bound and with the hard limit.

/// How full a child's inbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    Room,
    /// Over the bound: no more credit, unless a thread waits for the child.
    Over,
    /// Over the hard limit: no more credit at all.
    HardOver,
}
