#[mpcore::process]
pub trait Laser {
    #[timeout]
    fn without(&mut self);
    #[timeout("5s")]
    fn in_brackets(&mut self);
    #[timeout = 5]
    fn number(&mut self);
    #[timeout = FIVE_SECONDS]
    fn constant(&mut self);
    #[timeout = "5 seconds"]
    fn words(&mut self);
    #[timeout = "5"]
    fn without_unit(&mut self);
    #[timeout = "30s1m"]
    fn upside_down(&mut self);
    #[timeout = ""]
    fn empty(&mut self);
}

fn main() {}
