#[mpcore::process(config = "String")]
pub trait Laser {
    #[signal("fired")]
    fn fire(&mut self);
    #[command("aim_at")]
    fn aim(&mut self);
    #[signal(rename = "was_reset")]
    fn reset(&mut self);
    #[property("power_set")]
    fn power(&self) -> f64;
    #[property(name = "angle_set")]
    fn angle(&self) -> f64;
    #[event("latest")]
    fn voltage(&self);
}

#[derive(mpcore::Child)]
#[child(dyn Laser)]
struct WithDyn;

#[derive(mpcore::Child)]
#[child("Laser")]
struct Quoted;

impl Laser for WithDyn {
    fn fire(&mut self) {}
    fn aim(&mut self) {}
    fn reset(&mut self) {}
}

fn main() {}
