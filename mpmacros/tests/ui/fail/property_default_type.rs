#[mpcore::process]
pub trait Laser {
    #[property(default = "COM3")]
    fn port(&self) -> String;
}

fn main() {}
