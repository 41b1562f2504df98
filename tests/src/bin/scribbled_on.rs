//! A controller one of whose children sends what no child sends: `scribbled_on KIND`.
//!
//! It tells how the broken child ended, and whether another child and the broken one's next run work.

use system_tests::bench::{builder, ready};
use system_tests::{BenchControl, BenchProcess, Blob, outcome};

/// A message as ipc-channel frames it: the length of the packet, of the message, and its bytes.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = message.len() as u64;
    [&(16 + length).to_le_bytes()[..], &length.to_le_bytes(), message].concat()
}

/// The head of a packet of this kind in the first run: version, kind, flags, generation, two totals.
fn head(kind: u8, credit: u64) -> Vec<u8> {
    [&[1, kind, 0, 0, 1, 0, 0, 0][..], &credit.to_le_bytes(), &[0; 8]].concat()
}

fn bench() -> BenchControl {
    ready(builder("replaced by the next line").child::<BenchProcess>())
}

fn main() {
    mpcore::init();
    let kind = std::env::args().nth(1).unwrap_or_default();
    let packet = match kind.as_str() {
        "nothing at all" => Vec::new(),
        "text" => framed(b"hello, I am no child of yours"),
        "one byte" => framed(&[1]),
        "long" => framed(&[0xA5; 60_000]),
        "an item that is cut" => framed(&[head(0, 0), vec![16, 0, 0, 0, 255, 255, 0, 0]].concat()),
        "a part of an endless item" => framed(&[head(1, 0), vec![255; 40]].concat()),
        "an end marker" => framed(&head(4, 0)),
        "credit for what was not sent" => framed(&head(2, u64::MAX)),
        other => panic!("no kind `{other}`"),
    };
    let (bench, other) = (bench(), bench());
    let scribbling = bench.scribble(Blob(packet));
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
