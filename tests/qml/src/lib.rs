//! The interfaces and children that the QML tests drive, their QML types, and a clock.

mod clock;
mod flood;
mod objects;
mod rig;
mod types;

pub use clock::nanoseconds;
pub use flood::{Flood, FloodContext, FloodControl, FloodProcess};
pub use objects::{
    CamelRig, FloodObject, MissingRig, RemoteRig, RigObject, ShownRig, TypesObject, register,
};
pub use rig::{Fault, Rig, RigConfig, RigContext, RigControl, RigProcess, Sample};
pub use types::{
    ByChannel, Mode, Raw, Tree, Types, TypesContext, TypesControl, TypesProcess, Unwilling, Volts,
};
