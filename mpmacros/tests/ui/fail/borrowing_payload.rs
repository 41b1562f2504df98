use std::borrow::Cow;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Text<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
    fn label(&mut self, text: Text<'static>);
}

fn main() {}
