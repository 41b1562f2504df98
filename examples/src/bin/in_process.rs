//! The same child on a thread of this program: for a debugger, and for tests.
//!
//! Run: `cargo run -p examples --bin in_process`, and its tests with
//! `cargo test -p examples --bin in_process`
//!
//! Everything works as with a process (encoding, order, outcomes) except what only the operating
//! system can do: a thread cannot be killed, and if it crashes, so does the program.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct ScaleConfig {
    zero: f64,
}

#[mpcore::process(config = ScaleConfig)]
trait Scale {
    /// The weight on the scale, less its zero.
    #[signal(postfix = "_finished")]
    fn weigh(&mut self, raw: f64) -> mpcore::Result<f64>;

    /// A control already has a method `process`. So this command has another name in the control,
    /// and its own name everywhere else.
    #[command(rename = "process_samples")]
    fn process(&mut self, samples: Vec<f64>) -> f64;
}

#[derive(mpcore::Child)]
#[child(Scale)]
struct ScaleProcess {
    #[child(config)] // no mark is needed for a field that is called `config`
    settings: ScaleConfig,
}

impl Scale for ScaleProcess {
    fn weigh(&mut self, raw: f64) -> mpcore::Result<f64> {
        if !raw.is_finite() {
            return Err(mpcore::Error::new("nothing can be read from the scale"));
        }
        Ok(raw - self.settings.zero)
    }

    fn process(&mut self, samples: Vec<f64>) -> f64 {
        samples.iter().sum::<f64>() / samples.len() as f64
    }
}

#[mpcore::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = ScaleConfig { zero: 0.5 };
    // `.child::<ScaleProcess>()` would run it in a process. That is the only difference.
    let scale = ScaleControl::builder().in_process::<ScaleProcess>().config(config).spawn()?;
    println!("weight: {}", scale.weigh(2.0).wait()?);
    println!("mean: {}", scale.process_samples(vec![1.0, 2.0, 6.0]).wait()?);
    println!("process number: {:?}", scale.process().pid());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // In a test binary this replaces `#[mpcore::main]`, for tests that start processes.
    mpcore::test_support!();

    fn check(scale: &ScaleControl) {
        assert_eq!(scale.blocking().weigh(2.0).unwrap(), 1.5);
        let error = scale.blocking().weigh(f64::NAN).unwrap_err();
        assert_eq!(error.to_string(), "nothing can be read from the scale");
    }

    #[test]
    fn weighs_on_a_thread() {
        let builder = ScaleControl::builder().in_process::<ScaleProcess>();
        check(&builder.config(ScaleConfig { zero: 0.5 }).spawn().unwrap());
    }

    #[test]
    fn weighs_in_a_process() {
        check(&ScaleControl::spawn::<ScaleProcess>(ScaleConfig { zero: 0.5 }).unwrap());
    }
}
