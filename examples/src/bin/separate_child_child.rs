//! The program of the child in the example `separate_child`. Not meant to be run by hand.

use examples::stage::{Stage, StageConfig, StageContext, StageError};

fn main() {
    mpcore::child_main::<StageProcess>()
}

/// A child with a constructor of its own, which may fail.
#[derive(mpcore::Child)]
#[child(Stage, new = StageProcess::open)]
struct StageProcess {
    cx: StageContext,
    config: StageConfig,
}

impl StageProcess {
    fn open(cx: StageContext, config: StageConfig) -> mpcore::Result<Self> {
        if config.length <= 0.0 {
            return Err(mpcore::Error::new("a stage needs a length"));
        }
        Ok(Self { cx, config })
    }
}

impl Stage for StageProcess {
    fn move_to(&mut self, place: f64) -> Result<f64, StageError> {
        let length = self.config.length;
        if !(0.0..=length).contains(&place) {
            return Err(StageError::TooFar { length });
        }
        let way = self.cx.place.with(|before| (place - before).abs());
        self.cx.place.set(place);
        Ok(way)
    }
}
