//! A controller one of whose children sends what no child sends: `scribbled_on KIND`.
//!
//! It tells how the broken child ended, and whether another child and the broken one's next run work.

use system_tests::bench::{builder, ready};
use system_tests::{BenchControl, BenchProcess, Blob, outcome};

/// The start of ipc-channel's own header: the length of the whole message.
fn header(length: u64) -> Vec<u8> {
    [&length.to_le_bytes()[..], &[0xA5; 40]].concat()
}

fn bench() -> BenchControl {
    ready(builder("replaced by the next line").child::<BenchProcess>())
}

fn main() {
    mpcore::init();
    let kind = std::env::args().nth(1).unwrap_or_default();
    let (packet, with_descriptor) = match kind.as_str() {
        "text" => (b"hello, I am no child".to_vec(), false),
        "zeros" => (vec![0; 8], false),
        "stray bytes" => (vec![1, 2, 3], false),
        "empty" => (Vec::new(), false),
        "long" => (vec![0xA5; 60_000], false),
        "huge length" => (header(1 << 46), false),
        "huge length with descriptor" => (header(1 << 46), true),
        other => panic!("no kind `{other}`"),
    };
    let (bench, other) = (bench(), bench());
    let scribbling = bench.scribble(Blob(packet), with_descriptor);
    // What is broken may be found only with what follows it.
    let next = bench.add_two(1, 1);
    println!("broken child {:?} {:?}", outcome(scribbling).is_ok(), outcome(next).is_ok());
    println!("other child {:?}", outcome(other.add_two(1, 2)));
    bench.process().stop();
    let _ = bench.process().join(system_tests::LONG);
    println!("ended {:?}", bench.process().exit_report().map(|it| it.to_string()));
    bench.process().start().expect("it starts again");
    println!("next run {:?}", outcome(bench.add_two(1, 2)));
}
