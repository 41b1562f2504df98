//! A controller one of whose children sends what no real child sends: `scribbled_on KIND`, over
//! packet sockets or, with `TRANSPORT=ipc-channel`, in ipc-channel's own frame.
//!
//! It prints how the broken child ended, and whether another child and the broken one's next run
//! work.

use system_tests::bench::{builder, ready};
use system_tests::transport::{PROTOCOL, framed};
use system_tests::{BenchControl, BenchProcess, Blob, outcome};

/// The head of a packet of this kind in the first run: version, kind, generation, two
/// totals.
fn head(kind: u8, credit: u64) -> Vec<u8> {
    [&[PROTOCOL, kind, 1, 0, 0, 0][..], &credit.to_le_bytes(), &[0; 8]].concat()
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
        "more than a packet" => vec![0xA5; 150_000],
        "another generation" => {
            let mut head = head(0, 0);
            head[2] = 9;
            framed(&head)
        }
        "another version" => framed(&[&[9][..], &head(0, 0)[1..]].concat()),
        "an outcome that nobody waits for" => {
            let item = [&[16, 0, 0, 0, 0, 0, 0, 0][..], &u64::MAX.to_le_bytes(), &[0; 12]];
            framed(&[head(0, 0), item.concat()].concat())
        }
        // For the call that sends it.
        "a cancel that was not asked for" => {
            let item = [&[19, 0, 0, 0, 0, 0, 0, 0][..], &1_u64.to_le_bytes(), &[0; 12]];
            framed(&[head(0, 0), item.concat()].concat())
        }
        "credit for what was not sent" => framed(&head(2, u64::MAX)),
        other => panic!("no kind `{other}`"),
    };
    let (bench, other) = (bench(), bench());
    let scribbling = bench.scribble(Blob(packet));
    // An invalid packet may only be detected with the one after it.
    let next = bench.add_two(1, 1);
    println!("broken child {:?} {:?}", outcome(scribbling).is_ok(), outcome(next).is_ok());
    println!("other child {:?}", outcome(other.add_two(1, 2)));
    bench.process().stop();
    let _ = bench.process().join(system_tests::LONG);
    println!("ended {:?}", bench.process().exit_report().map(|it| it.to_string()));
    bench.process().start().expect("it starts again");
    println!("next run {:?}", outcome(bench.add_two(1, 2)));
}
