//! What a child's code can report and query through its context.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use mpcore::{CallContext, ControlBuilder, Progress};
use system_tests::{LONG, outcome};

#[mpcore::process]
trait Teller {
    /// Reports progress through the context.
    fn tell(&mut self, fractions: Vec<f64>);
    /// The same from a worker thread, through the call's handle.
    fn tell_by_worker(&mut self, fractions: Vec<f64>);
    /// Keeps the handle of this call; returns whether it is active.
    fn keep(&mut self) -> bool;
    /// Reports progress through the kept handle; returns whether it is active and belongs to this
    /// call.
    fn tell_by_kept(&mut self, fraction: f64) -> (bool, bool);
    /// Waits until the child is asked to stop, even if this command is cancelled; returns whether
    /// `running` saw that too.
    fn await_stop(&mut self) -> bool;
}

#[derive(mpcore::Child)]
#[child(Teller)]
struct TellerProcess {
    cx: TellerContext,
    #[child(default)]
    kept: Option<CallContext>,
}

impl Teller for TellerProcess {
    fn tell(&mut self, fractions: Vec<f64>) {
        fractions.into_iter().for_each(|it| self.cx.progress(it));
    }

    fn tell_by_worker(&mut self, fractions: Vec<f64>) {
        let call = self.cx.call();
        let worker = thread::spawn(move || fractions.into_iter().for_each(|it| call.progress(it)));
        worker.join().expect("it only reports progress");
    }

    fn keep(&mut self) -> bool {
        self.kept.insert(self.cx.call()).active()
    }

    fn tell_by_kept(&mut self, fraction: f64) -> (bool, bool) {
        let kept = self.kept.as_ref().expect("one was kept");
        kept.progress(fraction);
        (kept.active(), self.cx.call().active())
    }

    fn await_stop(&mut self) -> bool {
        let (deadline, before) = (Instant::now() + LONG, self.cx.running());
        self.cx.progress(0.5);
        while !self.cx.stopping() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        before && !self.cx.running()
    }
}

/// Both kinds of child: in a process, and on a thread of this one.
fn places() -> [ControlBuilder<TellerControl>; 2] {
    let builder = || TellerControl::builder().stop_grace(LONG * 2);
    [builder().child::<TellerProcess>(), builder().in_process::<TellerProcess>()]
}

/// Returns a child and the receiver of its progress.
fn teller(builder: ControlBuilder<TellerControl>) -> (TellerControl, mpsc::Receiver<Progress>) {
    let teller = builder.build().unwrap();
    let (told, progress) = mpsc::channel();
    teller.process().signals().progress.connect(move |it| told.send(*it).unwrap());
    teller.process().start().unwrap();
    (teller, progress)
}

/// Returns the progress of one call. An outcome comes after its progress, and its handler after
/// that's.
fn told_by(progress: &mpsc::Receiver<Progress>, call: mpcore::Call<()>) -> Vec<f64> {
    let (id, (ended, end)) = (call.id(), mpsc::channel());
    call.on_done(move |_| ended.send(()).unwrap());
    end.recv_timeout(LONG).unwrap();
    progress.try_iter().inspect(|it| assert_eq!(it.call, id)).map(|it| it.fraction).collect()
}

/// Only the clamping kept a child from being killed as broken for `progress(1.5)`, and no test
/// covered it.
#[test]
fn progress_is_clamped_and_nan_is_ignored() {
    for place in places() {
        let (teller, progress) = teller(place);
        let cases =
            [(1.5, 1.0), (-3.0, 0.0), (f64::INFINITY, 1.0), (f64::NEG_INFINITY, 0.0), (0.25, 0.25)];
        for (said, shown) in cases {
            assert_eq!(told_by(&progress, teller.tell(vec![said])), [shown], "{said}");
            assert_eq!(told_by(&progress, teller.tell_by_worker(vec![said])), [shown], "{said}");
        }
        let none = told_by(&progress, teller.tell(vec![f64::NAN]));
        assert!(none.is_empty(), "{none:?}");
        // NaN does not replace a number.
        let last = told_by(&progress, teller.tell(vec![0.5, f64::NAN]));
        assert_eq!(last.last(), Some(&0.5), "{last:?}");
    }
}

#[test]
fn a_handle_is_active_while_its_command_runs_and_no_longer() {
    for place in places() {
        let (teller, progress) = teller(place);
        assert_eq!(outcome(teller.keep()), Ok(true));
        assert_eq!(outcome(teller.tell_by_kept(0.7)), Ok((false, true)));
        // The last progress of this child: no other came before it.
        assert_eq!(told_by(&progress, teller.tell(vec![0.1])), [0.1]);
    }
}

#[test]
fn a_command_sees_that_its_child_should_stop() {
    for place in places() {
        let (teller, progress) = teller(place);
        let call = teller.await_stop();
        progress.recv_timeout(LONG).expect("it has begun");
        teller.process().stop();
        assert_eq!(outcome(call), Ok(true));
        teller.process().join(LONG).unwrap();
    }
}
