#[mpcore::process]
pub trait Laser {
    #[property]
    #[timeout = "5s"]
    #[idempotent]
    #[no_cancel]
    fn connected(&self) -> bool;
    #[event]
    #[timeout = "5s"]
    #[idempotent]
    #[no_cancel]
    fn voltage(&self, volts: f64);
}

fn main() {}
