//! The hidden macro in a crate of edition 2024. All other tests of it are in `tests/edition2021`.

macro_rules! consumer {
    (
        { $passed:ident }
        trait $name:ident
        control $control:ident
        signals $signals:ident
        config { $config:ty }
        postfix { $postfix:literal }
        { $($(#[$($attribute:tt)*])* fn $method:ident ($($argument:tt)*) $(-> $result:ty)?;)* }
    ) => {
        const $passed: &[&str] = &[stringify!($control), $postfix, $(stringify!($method)),*];
    };
}

pub mod interface {
    #[mpcore::process(config = Vec<u8>)]
    pub trait Laser {
        #[signal]
        fn add_two(&mut self, num1: i32, num2: i32) -> i32;
        #[property(default = vec![1])]
        fn r#gen(&self) -> Vec<u8>;
    }
}

use interface::LaserControl as Renamed;

Renamed! { [consumer] HANDED }

fn main() {
    assert_eq!(HANDED, ["LaserControl", "_changed", "add_two", "r#gen"]);
    let _ = Renamed::add_two;
}
