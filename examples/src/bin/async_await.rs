//! Awaiting calls, on any executor, or on these fifteen lines.
//!
//! Run: `cargo run -p examples --bin async_await`

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use examples::laser::{LaserConfig, LaserControl, LaserProcess};

type Error = Box<dyn std::error::Error>;

async fn measure(laser: &LaserControl) -> Result<f64, Error> {
    // A call is under way from the moment it is made. So all three are, and while the first one is
    // awaited here the child goes on to the others.
    let power = laser.set_power(2.0);
    let calibration = laser.calibrate();
    let sweep = laser.sweep(400.0, 500.0, 10);

    println!("power: {} W", power.await?);
    let (offset, gain) = calibration.await?;
    let volts = sweep.await?;
    Ok(volts.iter().map(|volts| offset + gain * volts).sum::<f64>() / volts.len() as f64)
}

#[mpcore::main] // it can stand above another main attribute, such as `#[tokio::main]`
fn main() -> Result<(), Error> {
    let laser = LaserControl::spawn::<LaserProcess>(LaserConfig { port: "COM3".into() })?;
    println!("mean: {} V", block_on(measure(&laser))?);
    Ok(())
}

/// The smallest executor: polls, and sleeps until it is woken.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
