#[mpcore::main]
pub struct Main;

fn main() {}
