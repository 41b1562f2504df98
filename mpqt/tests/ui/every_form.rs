//! Every form of `qobject!`, under strict lints.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unreachable_pub)]

mod lab {
    #[mpcore::process(config = Vec<String>)]
    pub(crate) trait Laser {
        #[signal]
        fn sweep(&mut self, self_: i32, control: String, object: u8) -> (f64, Option<u8>);
        #[property(write)]
        fn power(&self) -> f64;
        #[deprecated]
        fn old(&mut self);
    }

    #[derive(mpcore::Child)]
    #[child(Laser)]
    pub(crate) struct LaserProcess {
        #[allow(dead_code)]
        cx: LaserContext,
    }

    impl Laser for LaserProcess {
        fn sweep(&mut self, _: i32, _: String, _: u8) -> (f64, Option<u8>) {
            (0.0, None)
        }
        fn old(&mut self) {}
    }

    pub(crate) mod deeper {
        use super::{LaserControl as Renamed, LaserProcess};
        mpqt::qobject! { pub(super) struct Deep: Renamed, child = LaserProcess; }
        mpqt::qobject! { pub(crate) struct Wide: super::LaserControl, child = super::LaserProcess, }
    }

    pub(crate) fn deep() {
        mpqt::register::<deeper::Deep>("Lab", 1, 0, "Deep");
    }
}

use lab::LaserControl;

const PROGRAM: &str = "laser-child";

mpqt::qobject! {
    /// Documented.
    struct Private: LaserControl, program = PROGRAM, rename_all = "camelCase"
}
mpqt::qobject! {
    struct Patient: LaserControl,
    program = PROGRAM,
    options = |builder| builder.stop_grace(std::time::Duration::from_secs(9)).name("patient")
}
mpqt::qobject! { struct Shown: crate::lab::LaserControl }

fn main() {
    mpqt::init();
    mpqt::register::<Private>("Lab", 1, 0, "Private");
    mpqt::register::<Patient>("Lab", 1, 0, "Patient");
    mpqt::register::<lab::deeper::Wide>("Lab", 1, 0, "Wide");
    lab::deep();
    let shown = |control: LaserControl| Shown::attach(control).map(|it| it.object().control());
    let _ = shown;
}
