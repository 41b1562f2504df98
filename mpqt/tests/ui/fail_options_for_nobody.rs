mod lab {
    #[mpcore::process]
    pub(crate) trait Laser {}
}
use lab::LaserControl;

mpqt::qobject! { pub(crate) struct LaserObject: LaserControl, options = |builder| builder }

fn main() {}
