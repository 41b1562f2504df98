//! A controller that has forgotten `mpcore::init()`: it has to be told, and must not start itself
//! again and again.

use system_tests::{BenchConfig, BenchControl, BenchProcess};

fn main() {
    match BenchControl::spawn::<BenchProcess>(BenchConfig::default()) {
        Ok(_) => println!("started"),
        Err(error) => println!("refused {error:?}: {error}"),
    }
}
