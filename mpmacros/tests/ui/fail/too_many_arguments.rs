type U = u8;

#[mpcore::process]
pub trait Laser {
    #[rustfmt::skip]
    fn fire(
        &mut self,
        a: U, b: U, c: U, d: U, e: U, f: U, g: U, h: U, i: U, j: U, k: U, l: U, m: U, n: U, o: U, p: U,
        q: U, r: U,
    );
    #[event]
    #[rustfmt::skip]
    fn fired(
        &self,
        a: U, b: U, c: U, d: U, e: U, f: U, g: U, h: U, i: U, j: U, k: U, l: U, m: U, n: U, o: U, p: U,
        q: U,
    );
}

fn main() {}
