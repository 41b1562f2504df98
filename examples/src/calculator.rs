//! A child that adds, and that misbehaves on request.

/// Adds two numbers.
#[mpcore::process]
pub trait Calculator {
    /// The sum; an error if it overflows.
    #[signal(name = "add_two_finished")]
    fn add_two(&mut self, num1: i32, num2: i32) -> mpcore::Result<i32>;

    /// Panics with this message. The child goes on afterwards.
    fn panic(&mut self, message: String);

    /// Never returns and ignores stop requests: only a kill ends it, which a stop falls back to
    /// when its grace is over.
    fn hang(&mut self);
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Calculator)]
pub struct CalculatorProcess {}

impl Calculator for CalculatorProcess {
    fn add_two(&mut self, num1: i32, num2: i32) -> mpcore::Result<i32> {
        num1.checked_add(num2)
            .ok_or_else(|| mpcore::Error::new(format!("{num1} + {num2} does not fit 32 bits")))
    }

    fn panic(&mut self, message: String) {
        panic!("{message}");
    }

    fn hang(&mut self) {
        loop {
            std::thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_does_not_fit_is_an_error() {
        let control = CalculatorControl::builder().in_process::<CalculatorProcess>();
        let control = control.config(()).spawn().unwrap();
        assert_eq!(control.blocking().add_two(20, 22).unwrap(), 42);
        let error = control.blocking().add_two(i32::MAX, 1).unwrap_err();
        assert!(error.to_string().contains("2147483647 + 1 does not fit 32 bits"), "{error}");
    }
}
