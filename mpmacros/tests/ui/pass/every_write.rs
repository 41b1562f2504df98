//! Writes of a property that all run.

#[mpcore::process]
trait Plotter {
    #[property(write, every, notify = "pen_moved", default = 0.5)]
    fn pen(&self) -> f64;

    #[property(every, write)]
    #[timeout = "2s"]
    fn paper(&self) -> String;
}

#[derive(mpcore::Child)]
#[child(Plotter)]
struct PlotterProcess {}

impl Plotter for PlotterProcess {}

fn main() {
    let _ = PlotterControl::new::<PlotterProcess>(());
}
