//! Interfaces made by the user's own `macro_rules!`, whose fragments arrive in invisible groups.

macro_rules! interface {
    ($(#[$meta:meta])* $vis:vis $name:ident, $ty:ty, $result:ty, $default:expr, $signal:literal) => {
        $(#[$meta])*
        #[mpcore::process(config = $ty)]
        $vis trait $name {
            #[signal(name = $signal)]
            fn command(&mut self, value: $ty, values: Vec<$ty>) -> $result;
            #[property(write, default = $default)]
            fn property(&self) -> $ty;
            #[event]
            fn event(&self, value: $ty);
        }
    };
}

interface!(
    /// With a tuple.
    pub Spread, f64, (f64, f64), 1.5, "spread"
);
interface!(pub(crate) Whole, Vec<u8>, Result<Vec<u8>, String>, vec![1, 2], "whole");
interface!(Private, bool, mpcore::Result<bool>, true, "private");

/// The whole trait is in the macro: its two uses have the same tokens at the same place.
macro_rules! whole {
    () => {
        #[mpcore::process]
        pub trait Same {
            fn command(&mut self);
        }
    };
}

pub mod first {
    whole!();
}
pub mod second {
    whole!();
}

fn controller(spread: &SpreadControl, whole: &WholeControl, private: &PrivateControl) {
    spread.signals().spread.connect(|a, b| println!("{a} {b}"));
    whole.signals().whole.connect(|bytes| println!("{}", bytes.len()));
    private.signals().private.connect(|on| println!("{on}"));
    let _: mpcore::Call<(f64, f64)> = spread.command(1.0, vec![2.0]);
    let _: mpcore::Call<Vec<u8>, String> = whole.command(vec![1], vec![vec![2]]);
    let _: mpcore::Call<bool, mpcore::Error> = private.command(true, vec![]);
}

fn main() {
    let _ = controller;
}
