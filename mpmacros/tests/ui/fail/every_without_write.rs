//! `every` applies to the writes of a property.

#[mpcore::process]
trait Plotter {
    #[property(every)]
    fn pen(&self) -> f64;
}

fn main() {}
