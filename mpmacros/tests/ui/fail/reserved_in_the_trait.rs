#[mpcore::process]
pub trait Laser {
    fn postrun_init(&mut self) -> mpcore::Result<()>;
    #[signal]
    fn cleanup(&mut self);
}

struct Simulation;

impl Laser for Simulation {
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        Ok(())
    }
    fn cleanup(&mut self) {}
}

fn main() {}
