//! The Qt side of the framework will live here; as of this version the crate is empty, and
//! [`mpcore`](../mpcore/index.html) is used with an inbox drained by the application's own loop.
