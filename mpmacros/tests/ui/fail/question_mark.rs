#[mpcore::process]
pub trait Laser {
    fn fire(&mut self) -> mpcore::Result<u8>;
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct LaserProcess;

fn text() -> Result<u8, String> {
    Ok(1)
}

fn boxed() -> Result<u8, Box<dyn std::error::Error + Send + Sync>> {
    Ok(1)
}

impl Laser for LaserProcess {
    fn fire(&mut self) -> mpcore::Result<u8> {
        Ok(text()? + boxed()?)
    }
}

fn main() {}
