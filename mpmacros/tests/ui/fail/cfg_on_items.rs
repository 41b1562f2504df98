#[mpcore::process]
pub trait Laser {
    #[cfg(feature = "fast")]
    fn fire(&mut self);
    #[cfg_attr(unix, signal)]
    fn reset(&mut self);
    #[cfg_attr(unix, timeout = "5s")]
    fn home(&mut self);
    #[cfg(unix)]
    #[property]
    fn power(&self) -> f64;
    fn add_two(&mut self, num1: i32, #[cfg(unix)] num2: i32) -> i32;
}

fn main() {}
