use std::borrow::Cow;

#[mpcore::process]
pub trait Laser {
    fn label(&mut self, text: Cow<'_, str>);
    fn owned(&mut self, text: Cow<'static, str>);
}

struct Simulation;

impl Laser for Simulation {
    fn label(&mut self, _text: Cow<'_, str>) {}
    fn owned(&mut self, _text: Cow<'static, str>) {}
}

fn main() {}
