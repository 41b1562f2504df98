//! The interface and child that the QML tests drive.

mod rig;

pub use rig::{Fault, Rig, RigConfig, RigContext, RigControl, RigProcess, Sample};
