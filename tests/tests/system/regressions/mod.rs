//! Mistakes of other libraries, and edge cases that once were bugs here.

mod edges;
mod lessons;
