//! The README's program with a window, word for word, and its document `main.qml`.
//!
//! Run: `cargo run -p examples-qt --bin readme_qml`
#![allow(missing_docs)]

#[mpcore::process]
pub trait Laser {
    #[signal(postfix = "_finished")]
    fn add_two(&mut self, num1: i32, num2: i32) -> i32;

    #[property]
    fn connected(&self) -> bool;
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct LaserProcess {
    cx: LaserContext,
}

impl Laser for LaserProcess {
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        self.cx.connected.set(true);
        Ok(())
    }
    fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
        num1 + num2
    }
}

mpqt::qobject! { pub struct LaserObject: LaserControl, child = LaserProcess }

fn main() -> Result<std::process::ExitCode, mpqt::RunError> {
    mpqt::init(); // first: in a child it does not return
    mpqt::register::<LaserObject>("Lab", 1, 0, "Laser");
    mpqt::run(include_str!("main.qml"))
}
