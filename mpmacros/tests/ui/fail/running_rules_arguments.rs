#[mpcore::process]
pub trait Laser {
    #[idempotent(true)]
    fn a(&mut self);
    #[idempotent = "yes"]
    fn b(&mut self);
    #[no_cancel()]
    fn c(&mut self);
    #[no_cancel = true]
    fn d(&mut self);
}

fn main() {}
