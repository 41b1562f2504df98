//! The interfaces and children that the tests run, and the values that they exchange.

pub mod bench;
pub mod blob;
pub mod confined;
pub mod gauge;
pub mod mood;
pub mod neighbour;
pub mod phoenix;
mod scribble;
pub mod talker;
pub mod wary;
pub mod worker;
