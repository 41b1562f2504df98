
mpqt::qobject! { pub struct LaserObject: missing::LaserControl }
fn main() {}
