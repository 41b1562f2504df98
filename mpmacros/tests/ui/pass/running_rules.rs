//! Attributes that say how commands are run. They change only the control's documentation and the
//! runtime's behaviour, alone and together with others, in any order.

#![deny(warnings)]

#[mpcore::process]
pub trait Stage {
    /// Every form of a duration.
    #[timeout = "250ms"]
    fn fast(&mut self);
    #[timeout = "5s"]
    fn seconds(&mut self);
    #[timeout = "2m"]
    fn minutes(&mut self);
    #[timeout = "1h"]
    fn hours(&mut self);
    #[timeout = "1h30m1.5s"]
    fn mixed(&mut self);
    #[timeout = r"1m30s"]
    fn raw(&mut self);

    #[idempotent]
    #[timeout = "5s"]
    #[signal]
    #[command(rename = "all_of_them")]
    #[no_cancel]
    fn all(&self, a: i32) -> mpcore::Result<i32> {
        Ok(a)
    }
    #[no_cancel]
    fn with_a_foreign_error(&mut self) -> std::result::Result<(), String>;

    #[timeout = "5s"]
    #[property(write)]
    #[idempotent]
    #[no_cancel]
    fn power(&self) -> f64;
}

#[derive(mpcore::Child)]
#[child(Stage)]
pub struct Axis {}

// Commands may have the names of the attributes.
#[mpcore::process]
pub trait Named {
    fn timeout(&mut self);
    fn idempotent(&mut self);
    #[timeout = "1s"]
    fn no_cancel(&mut self);
}

impl Stage for Axis {
    fn fast(&mut self) {}
    fn seconds(&mut self) {}
    fn minutes(&mut self) {}
    fn hours(&mut self) {}
    fn mixed(&mut self) {}
    fn raw(&mut self) {}
    fn with_a_foreign_error(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// A text from a macro's argument, as a literal and as an expression.
macro_rules! timed {
    ($name:ident, $literal:literal, $expr:expr) => {
        #[mpcore::process]
        pub trait $name {
            #[timeout = $literal]
            fn literal(&mut self);
            #[timeout = $expr]
            fn expr(&mut self);
        }
    };
}

timed!(Timed, "1s", "2s");

fn controller(stage: &StageControl, timed: &TimedControl) {
    let _: mpcore::Call<i32, mpcore::Error> = stage.all_of_them(1);
    let _: mpcore::Call<(), String> = stage.with_a_foreign_error();
    let _: mpcore::Call<f64, mpcore::Refused> = stage.set_power(1.0);
    timed.literal();
    timed.expr();
}

fn main() {
    let _ = controller;
}
