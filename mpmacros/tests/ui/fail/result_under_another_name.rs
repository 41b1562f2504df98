type LaserResult<T> = Result<T, String>;

#[mpcore::process]
pub trait Laser {
    #[signal]
    fn sweep(&mut self) -> LaserResult<Vec<f64>>;
}

fn main() {}
