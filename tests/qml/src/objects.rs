//! The children as QML types, `import Rigs 1.0`, some with options.

use std::time::Duration;

use mpcore::testing::{Fault, FaultPlan, Moment};
use mpcore::{Backoff, ControlBuilder, Escalation, OutputMode, RestartPolicy};

use crate::{FloodControl, FloodProcess, RigControl, RigProcess, TypesControl, TypesProcess};

mpqt::qobject! { pub struct RigObject: RigControl, child = RigProcess }
mpqt::qobject! { pub struct TypesObject: TypesControl, child = TypesProcess }
mpqt::qobject! { pub struct CamelRig: RigControl, child = RigProcess, rename_all = "camelCase" }
mpqt::qobject! { pub struct RemoteRig: RigControl, program = mpqt::beside_me("rig_child") }
mpqt::qobject! { pub struct MissingRig: RigControl, program = mpqt::beside_me("no_such_program") }
mpqt::qobject! { pub struct ShownRig: RigControl }
mpqt::qobject! { pub struct FloodObject: FloodControl, child = FloodProcess }

mpqt::qobject! { pub struct SupervisedRig: RigControl, child = RigProcess, options = supervised }
mpqt::qobject! { pub struct LastingRig: RigControl, child = RigProcess, options = lasting }
mpqt::qobject! {
    pub struct FreezingRig: RigControl,
    child = RigProcess,
    options = |builder| builder
        .faults(FaultPlan::new().at(Moment::Command(2), Fault::Freeze))
        .ping_interval(Duration::from_millis(100))
        .on_unresponsive(Escalation::Kill)
}

/// Restarts up to twice after crashes; its stderr is captured.
fn supervised(builder: ControlBuilder<RigControl>) -> ControlBuilder<RigControl> {
    let delay = Duration::from_millis(10);
    let policy = RestartPolicy::on_crash().backoff(Backoff::constant(delay));
    builder.restart(policy.intensity(2, Duration::from_secs(600))).stderr(OutputMode::Captured)
}

/// The same, and written properties are replayed.
fn lasting(builder: ControlBuilder<RigControl>) -> ControlBuilder<RigControl> {
    supervised(builder).reapply_properties()
}

/// Registers them with QML.
pub fn register() {
    mpqt::register::<RigObject>("Rigs", 1, 0, "Rig");
    mpqt::register::<TypesObject>("Rigs", 1, 0, "Types");
    mpqt::register::<CamelRig>("Rigs", 1, 0, "CamelRig");
    mpqt::register::<RemoteRig>("Rigs", 1, 0, "RemoteRig");
    mpqt::register::<MissingRig>("Rigs", 1, 0, "MissingRig");
    mpqt::register::<SupervisedRig>("Rigs", 1, 0, "SupervisedRig");
    mpqt::register::<LastingRig>("Rigs", 1, 0, "LastingRig");
    mpqt::register::<FreezingRig>("Rigs", 1, 0, "FreezingRig");
    mpqt::register::<ShownRig>("Rigs", 1, 0, "ShownRig");
    mpqt::register::<FloodObject>("Rigs", 1, 0, "Flood");
}
