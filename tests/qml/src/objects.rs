//! The children as QML types, `import Rigs 1.0`.

use crate::{FloodControl, FloodProcess, RigControl, RigProcess, TypesControl, TypesProcess};

mpqt::qobject! { pub struct RigObject: RigControl, child = RigProcess }
mpqt::qobject! { pub struct TypesObject: TypesControl, child = TypesProcess }
mpqt::qobject! { pub struct CamelRig: RigControl, child = RigProcess, rename_all = "camelCase" }
mpqt::qobject! { pub struct RemoteRig: RigControl, program = mpqt::beside_me("rig_child") }
mpqt::qobject! { pub struct MissingRig: RigControl, program = mpqt::beside_me("no_such_program") }
mpqt::qobject! { pub struct ShownRig: RigControl }
mpqt::qobject! { pub struct FloodObject: FloodControl, child = FloodProcess }

/// Makes them known to QML.
pub fn register() {
    mpqt::register::<RigObject>("Rigs", 1, 0, "Rig");
    mpqt::register::<TypesObject>("Rigs", 1, 0, "Types");
    mpqt::register::<CamelRig>("Rigs", 1, 0, "CamelRig");
    mpqt::register::<RemoteRig>("Rigs", 1, 0, "RemoteRig");
    mpqt::register::<MissingRig>("Rigs", 1, 0, "MissingRig");
    mpqt::register::<ShownRig>("Rigs", 1, 0, "ShownRig");
    mpqt::register::<FloodObject>("Rigs", 1, 0, "Flood");
}
