//! A controller that is refused a thread when it needs one: run it as a user with few processes,
//! and not as root, because limits do not apply to root. It prints how a call with large arguments
//! ends then, and afterwards.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use system_tests::bench::builder;
use system_tests::{BenchProcess, Blob, outcome};

fn main() {
    mpcore::init();
    let bench = builder("replaced by the next line").child::<BenchProcess>();
    let bench = bench.spawn().expect("a child can be started");
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    let given = getrlimit(Resource::Nproc);
    let none = Rlimit { current: Some(1), maximum: given.maximum };
    setrlimit(Resource::Nproc, none).expect("it can be less");
    match outcome(bench.echo(Blob::numbered(500_000))) {
        Ok(_) => println!("not refused"),
        Err(error) => println!("{error:?}: {error}"),
    }
    println!("small {:?}", outcome(bench.add_two(1, 2)));
    setrlimit(Resource::Nproc, given).expect("it can be as before");
    let blob = Blob::numbered(500_000);
    println!("again {}", outcome(bench.echo(blob.clone())) == Ok(blob));
}
