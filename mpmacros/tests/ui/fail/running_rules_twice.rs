#[mpcore::process]
pub trait Laser {
    #[timeout = "5s"]
    #[timeout = "5s"]
    #[idempotent]
    #[no_cancel]
    #[idempotent]
    #[no_cancel]
    fn fire(&mut self);
}

fn main() {}
