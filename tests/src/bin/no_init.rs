//! A controller that does not call `mpcore::init()`: it must get an error, and must not start
//! itself again and again. With an argument it names itself as the child's program.

use system_tests::{BenchConfig, BenchControl, BenchProcess};

/// Counts the processes of a chain.
const DEPTH: &str = "MPCORE_TEST_DEPTH";

/// Names this program as the child's, and prints how deep the chain of processes is.
fn named() {
    let depth = std::env::var(DEPTH).ok().and_then(|it| it.parse().ok()).unwrap_or(0_u32);
    println!("process {depth}");
    if depth == 3 {
        return; // it would go on forever
    }
    let own = std::env::current_exe().expect("this program has a path");
    let builder = BenchControl::builder().program(own).config(BenchConfig::default());
    match builder.env(DEPTH, (depth + 1).to_string()).spawn() {
        Ok(bench) => {
            let joined = bench.process().join(system_tests::LONG);
            println!("joined {depth} {}", joined.is_ok());
        }
        Err(error) => println!("refused {error:?}: {error}"),
    }
}

fn main() {
    if std::env::args().nth(1).is_some() {
        return named();
    }
    match BenchControl::spawn::<BenchProcess>(BenchConfig::default()) {
        Ok(_) => println!("started"),
        Err(error) => println!("refused {error:?}: {error}"),
    }
}
