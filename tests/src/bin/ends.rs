//! A controller whose `main` returns, or calls `shutdown`, in one of many ways: `ends HOW [FILE]`.
//!
//! It writes what its handlers receive to stdout.

use std::future::IntoFuture as _;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use mpcore::{Call, ControlBuilder, ExitPolicy};
use system_tests::bench::until_begun;
use system_tests::transport::transport;
use system_tests::{BenchConfig, BenchControl, BenchProcess, LONG};

fn builder() -> ControlBuilder<BenchControl> {
    let builder = BenchControl::builder().child::<BenchProcess>().config(BenchConfig::default());
    builder.stdout(mpcore::OutputMode::Null).transport(transport())
}

/// A builder for a child on a thread.
fn thread() -> ControlBuilder<BenchControl> {
    BenchControl::builder().in_process::<BenchProcess>().config(BenchConfig::default())
}

/// Returns a ready child, with handlers that print its signals.
fn printing_child(
    builder: ControlBuilder<BenchControl>,
) -> Result<BenchControl, Box<dyn std::error::Error>> {
    let bench = builder.build()?;
    bench.signals().add_two_finished.connect(|sum| println!("sum {sum}"));
    bench.signals().exception_raised.connect(|exception| println!("exception {exception}"));
    bench.process().signals().finished.connect(|report| {
        let reason = report.reason.as_ref().map(ToString::to_string).unwrap_or_default();
        println!("finished {} ({reason})", report.state);
    });
    bench.process().start()?;
    bench.process().wait_ready(LONG)?;
    println!("child {}", bench.process().pid().unwrap_or_default());
    Ok(bench)
}

fn print_outcome<T: std::fmt::Debug + Send, E: std::fmt::Debug + Send>(
    what: &'static str,
    call: Call<T, E>,
) {
    call.on_done(move |outcome| println!("{what} {outcome:?}"));
}

/// Shuts down when it is woken, on whichever thread that is.
struct ShutDown;

impl Wake for ShutDown {
    fn wake(self: Arc<Self>) {
        println!("shutdown {:?}", mpcore::shutdown(LONG));
    }
}

#[mpcore::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let how = std::env::args().nth(1).unwrap_or_default();
    let minute = Duration::from_secs(60);
    match how.as_str() {
        "stop" => {
            let bench = printing_child(builder())?;
            bench.work(600_000);
            until_begun(&bench, 1);
            (0..5).for_each(|number| drop(bench.add_two(number, 1)));
        }
        "finish" => {
            let bench = printing_child(builder().at_exit(ExitPolicy::Finish(minute)))?;
            bench.work(200);
            (0..5).for_each(|number| drop(bench.add_two(number, 1)));
        }
        "finish on a thread" => {
            let bench = printing_child(thread().at_exit(ExitPolicy::Finish(minute)))?;
            bench.work(200);
            (0..5).for_each(|number| drop(bench.add_two(number, 1)));
        }
        "finish and keep" => {
            let bench = printing_child(builder().at_exit(ExitPolicy::Finish(minute)))?;
            bench.work(200);
            (0..5).for_each(|number| drop(bench.add_two(number, 1)));
            // Nothing drops it: only the end of `main` ends it.
            std::mem::forget(bench);
        }
        "finish for a while" => {
            let bench =
                printing_child(builder().at_exit(ExitPolicy::Finish(Duration::from_millis(100))))?;
            print_outcome("work", bench.work(600_000));
            until_begun(&bench, 1);
            bench.add_two(1, 2);
        }
        "finish by hand" => {
            let bench = printing_child(builder())?;
            bench.work(200);
            (0..5).for_each(|number| drop(bench.add_two(number, 1)));
            bench.process().finish();
        }
        "finish for ever" => {
            let bench = printing_child(builder().at_exit(ExitPolicy::Finish(Duration::MAX)))?;
            bench.work(600_000);
            until_begun(&bench, 1);
            println!("returns");
        }
        // Longer than any constant that `main` once waited for.
        "long grace" => {
            let bench = printing_child(builder().stop_grace(minute))?;
            print_outcome("ignore", bench.ignore_everything(15_500));
            until_begun(&bench, 1);
        }
        "two at once" => {
            let benches = [
                printing_child(builder().stop_grace(minute))?,
                printing_child(builder().stop_grace(minute))?,
            ];
            for bench in &benches {
                print_outcome("finish", bench.finish_all_the_same());
                until_begun(bench, 1);
            }
            println!("shutdown {:?}", mpcore::shutdown(LONG));
        }
        "too soon" => {
            let bench = printing_child(builder().at_exit(ExitPolicy::Finish(minute)))?;
            bench.work(1000);
            println!("shutdown {:?}", mpcore::shutdown(Duration::from_millis(50)));
            bench.add_two(1, 2);
        }
        "forbidden" => {
            let bench = printing_child(builder())?;
            let _guard = mpcore::forbid_waiting_on_this_thread();
            println!("shutdown {:?}", mpcore::shutdown(LONG));
            println!("state {}", bench.process().state());
        }
        "hook" => {
            // Each hook ends the other child, and neither waits for the other's hook.
            let hooked = || {
                printing_child(builder().after_exit(|report| {
                    println!("hook {} {:?}", report.state, mpcore::shutdown(LONG));
                }))
            };
            let (other, bench) = (hooked()?, hooked()?);
            bench.process().stop();
            other.process().join(LONG)?;
            bench.process().join(LONG)?;
        }
        "handler" => {
            let bench = printing_child(builder())?;
            bench.process().signals().ready.connect(|| println!("ready"));
            bench.work(10).on_done(|_| println!("shutdown {:?}", mpcore::shutdown(LONG)));
            bench.process().join(LONG)?;
        }
        "waker" => {
            let bench = printing_child(builder())?;
            let mut future = pin!(bench.work(600_000).into_future());
            let waker = Waker::from(Arc::new(ShutDown));
            assert!(matches!(
                future.as_mut().poll(&mut Context::from_waker(&waker)),
                Poll::Pending
            ));
            until_begun(&bench, 1);
            bench.process().kill();
            bench.process().join(LONG)?;
        }
        other => panic!("no end `{other}`"),
    }
    Ok(())
}
