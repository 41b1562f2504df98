//! A controller with limited memory, whose children send it more: `limited_memory CASE`.
//!
//! It prints the result, and whether another child still works. A failed allocation would abort it.

use mpcore::{CallError, RunFailure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use system_tests::transport::transport;
use system_tests::{Blob, LONG, outcome};

/// How much the controller may use in addition to what it uses when its children run: enough for
/// the framework and for one of the smaller values.
const ROOM: u64 = 64 << 20;

/// Fits once, but not twice.
const SMALLER: usize = 50 << 20;

/// Does not fit.
const LARGER: usize = 160 << 20;

/// A row whose elements are decoded one by one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Row(Vec<u64>);

/// A child that returns, shows and emits values of any length.
#[mpcore::process]
trait Hoarder {
    fn bytes(&mut self, length: usize) -> Blob;
    fn row(&mut self, length: usize) -> Row;
    fn show(&mut self, length: usize);
    fn tell(&mut self, length: usize);

    #[property]
    fn shown(&self) -> Blob;

    #[event]
    fn told(&self, bytes: Blob);
}

#[derive(mpcore::Child)]
#[child(Hoarder)]
struct HoarderProcess {
    cx: HoarderContext,
}

impl Hoarder for HoarderProcess {
    fn bytes(&mut self, length: usize) -> Blob {
        Blob::numbered(length)
    }

    fn row(&mut self, length: usize) -> Row {
        Row(vec![1; length])
    }

    fn show(&mut self, length: usize) {
        self.cx.shown.set(Blob::numbered(length));
    }

    fn tell(&mut self, length: usize) {
        self.cx.told.emit(Blob::numbered(length));
    }
}

/// The address space that this program uses.
fn used() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("there is one");
    let pages: u64 = pages.split(' ').next().and_then(|it| it.parse().ok()).expect("a number");
    pages * 4096
}

fn hoarder() -> HoarderControl {
    let builder = HoarderControl::builder().child::<HoarderProcess>().transport(transport());
    let hoarder = builder.spawn().expect("it starts");
    hoarder.process().wait_ready(LONG).expect("it gets ready");
    hoarder
}

/// Formats how a call ended.
fn ended<T, E>(outcome: Result<T, CallError<E>>) -> String {
    match outcome {
        Ok(_) => "done".into(),
        Err(CallError::Exited(report)) => match &report.failure {
            Some(RunFailure::Resources(why)) => format!("no resources: {why}"),
            failure => format!("{failure:?}"),
        },
        Err(CallError::Decode(why)) => format!("not decoded: {why}"),
        Err(_) => "otherwise".into(),
    }
}

fn main() {
    mpcore::init();
    let case = std::env::args().nth(1).unwrap_or_default();
    let (hoarder, other) = (hoarder(), hoarder());
    // All threads exist by now and have allocated.
    assert!(outcome(hoarder.bytes(1 << 20)).is_ok() && outcome(other.row(10)).is_ok());
    let told = hoarder.signals().told.receiver();
    let maximum = getrlimit(Resource::As).maximum;
    let limit = Rlimit { current: Some(used() + ROOM), maximum };
    setrlimit(Resource::As, limit).expect("it can be less");
    let end = match case.as_str() {
        "a result that fits once" => ended(outcome(hoarder.bytes(SMALLER))),
        "a row that fits once" => ended(outcome(hoarder.row(SMALLER / 8))),
        "a result" => ended(outcome(hoarder.bytes(LARGER))),
        "a property that fits once" => {
            let shown = ended(outcome(hoarder.show(SMALLER)));
            // Property changes are delivered before the outcome.
            format!("{shown}, {} bytes", hoarder.shown().0.len())
        }
        "an event" => ended(outcome(hoarder.tell(LARGER))),
        other => panic!("no case `{other}`"),
    };
    println!("ended {end}");
    drop((told, hoarder));
    println!("other child {:?}", outcome(other.row(3)).map(|row| row.0));
}
