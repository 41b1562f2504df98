#[mpcore::process]
pub trait Laser {
    #[timeout = "0s"]
    fn nothing(&mut self);
    #[timeout = "0.5ms"]
    fn too_fine(&mut self);
    #[timeout = "1200h"]
    fn too_long(&mut self);
    #[timeout = "99999999999999999999999999999999999999999999s"]
    fn endless(&mut self);
}

fn main() {}
