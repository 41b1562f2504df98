#[mpcore::process]
pub trait Laser {
    #[signal(name = "add-two finished")]
    fn add_two(&mut self) -> i32;
    #[signal(name = "self")]
    fn keyword(&mut self);
    #[signal(postfix = " done")]
    fn postfix(&mut self);
    #[signal(postfix = "")]
    fn nothing(&mut self);
    #[property(notify = "2nd")]
    fn power(&self) -> f64;
    #[command(rename = "")]
    fn reset(&mut self);
}

fn main() {}
