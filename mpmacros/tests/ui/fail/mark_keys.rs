#[mpcore::process]
pub trait Laser {
    #[signal(nmae = "added")]
    fn unknown(&mut self) -> i32;
    #[signal(name = "a_done", name = "b_done")]
    fn repeated(&mut self);
    #[signal(name)]
    fn incomplete(&mut self);
    #[signal(name = added)]
    fn wrong_kind(&mut self);
    #[signal = "done"]
    fn wrong_form(&mut self);
    #[property(write = true, readonly, default)]
    fn power(&self) -> f64;
    #[event(newest, latest, latest)]
    fn voltage(&self, volts: f64);
    #[command(name = "x")]
    fn command(&mut self);
}

fn main() {}
