#[mpcore::process]
pub trait Laser<'a> {
    fn label(&mut self, text: std::borrow::Cow<'a, str>);
}

fn main() {}
