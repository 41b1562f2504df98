//! The first program of the README, word for word.
//!
//! Run: `cargo run -p examples --bin readme`
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

#[mpcore::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let laser = LaserControl::new::<LaserProcess>(())?;
    laser.signals().add_two_finished.connect(|sum| println!("{sum}"));
    laser.signals().exception_raised.connect(|exception| eprintln!("{exception}"));
    laser.process().start()?;

    laser.add_two(1, 2); // returns at once; the signal brings the result
    laser.process().finish(); // what is queued is done, then the child stops
    Ok(())
}
