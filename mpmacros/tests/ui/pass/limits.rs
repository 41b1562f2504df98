//! Sixteen arguments and sixteen results are accepted, and so are none.

type U = u8;

#[mpcore::process]
pub trait Wide {
    #[signal]
    #[rustfmt::skip]
    fn command(
        &mut self,
        a: U, b: U, c: U, d: U, e: U, f: U, g: U, h: U, i: U, j: U, k: U, l: U, m: U, n: U, o: U, p: U,
    ) -> (U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U);
    #[event]
    #[rustfmt::skip]
    fn event(
        &self,
        a: U, b: U, c: U, d: U, e: U, f: U, g: U, h: U, i: U, j: U, k: U, l: U, m: U, n: U, o: U, p: U,
    );
    #[signal]
    fn nothing(&mut self);
    #[event]
    fn signalled(&self);
}

#[mpcore::process]
pub trait Empty {}

#[derive(mpcore::Child)]
#[child(Empty)]
struct Idle {}

impl Empty for Idle {}

fn controller(wide: &WideControl, empty: &EmptyControl) {
    wide.signals().command_changed.connect(|a, _, _, _, _, _, _, _, _, _, _, _, _, _, _, p| {
        println!("{a} {p}");
    });
    wide.signals().nothing_changed.connect(|| ());
    wide.signals().signalled.connect(|| ());
    empty.signals().exception_raised.connect(|e| println!("{e}"));
}

fn main() {
    let _ = controller;
    let _ = EmptyControl::new::<Idle>;
}
