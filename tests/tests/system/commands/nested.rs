//! Children of children, with the two interfaces `Kid` and `Parent`: they end before the child that
//! has started them; the waits of a command for them (calls, futures, `join`, `wait_ready`) end with
//! that command; and a grace that is too short for them is reported.

use std::fs;
use std::future::{Future as _, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mpcore::{
    CallError, CallFuture, CleanupStatus, ExceptionKind, JoinError, ProcessState, ReadyError,
    WaitError,
};
use serde::{Deserialize, Serialize};
use system_tests::{LONG, outcome, processes, until};

/// The configuration of a kid.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct KidConfig {
    /// The file to which `cleanup` appends a line.
    log: String,
    /// How long `cleanup` takes before that.
    milliseconds: u64,
    /// Whether it never gets ready.
    hangs: bool,
}

/// The child of a child.
#[mpcore::process(config = KidConfig)]
trait Kid {
    fn add(&mut self, a: i32, b: i32) -> i32;
    /// Checks for this long whether it is asked to end.
    fn work(&mut self, milliseconds: u64) -> mpcore::Result<u64>;
    /// Checks nothing for this long.
    fn ignore(&mut self, milliseconds: u64);
}

#[derive(mpcore::Child)]
#[child(Kid, new = KidProcess::open)]
struct KidProcess {
    cx: KidContext,
    config: KidConfig,
}

impl KidProcess {
    #[allow(clippy::unnecessary_wraps)]
    fn open(cx: KidContext, config: KidConfig) -> mpcore::Result<Self> {
        if config.hangs {
            loop {
                std::thread::sleep(LONG);
            }
        }
        Ok(Self { cx, config })
    }
}

impl Kid for KidProcess {
    fn cleanup(&mut self) {
        std::thread::sleep(Duration::from_millis(self.config.milliseconds));
        append(&self.config.log, "kid");
    }

    fn add(&mut self, a: i32, b: i32) -> i32 {
        a + b
    }

    fn work(&mut self, milliseconds: u64) -> mpcore::Result<u64> {
        append(&self.config.log, "begun");
        for _ in 0..milliseconds {
            if self.cx.check_cancelled().is_err() {
                append(&self.config.log, "cancelled");
                return Err(mpcore::Cancelled.into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(milliseconds)
    }

    fn ignore(&mut self, milliseconds: u64) {
        append(&self.config.log, "begun");
        std::thread::sleep(Duration::from_millis(milliseconds));
    }
}

/// The child with kids.
#[mpcore::process(config = String)]
trait Parent {
    /// Starts a kid; returns its pid.
    fn start_kid(&mut self, milliseconds: u64, grace: Option<Duration>) -> mpcore::Result<u32>;
    /// Returns the exceptions raised when it was started.
    fn told_of_kid(&mut self) -> Vec<String>;
    /// Waits for a command of the last kid that checks whether it is asked to end.
    fn wait_for_work(&mut self) -> mpcore::Result<u64>;
    /// The same for a command that does not check.
    fn wait_for_deaf(&mut self) -> mpcore::Result<()>;
    /// Makes two calls of the last kid, the second at once or after this command was `asked` to
    /// end, and awaits both; returns how many waits ended early.
    fn await_two(&mut self, asked: bool) -> mpcore::Result<usize>;
    /// Polls a call's future once, keeps it, and waits until this command is asked to end.
    fn keep_future(&mut self) -> mpcore::Result<()>;
    /// Polls the kept future again; returns its outcome, if there is one.
    fn look_at_kept(&mut self) -> mpcore::Result<Option<u64>>;
    /// Waits for the end of the last kid, which does not come.
    fn join_kid(&mut self) -> mpcore::Result<()>;
    /// Waits for a kid that never gets ready.
    fn wait_for_hanging_kid(&mut self) -> mpcore::Result<()>;
    /// Waits until it is asked to end, and then for its kid.
    fn tidy_up(&mut self) -> mpcore::Result<i32>;
    /// Waits until it is asked to end, and then for a command of its kid that takes a while.
    fn tidy_up_slowly(&mut self) -> mpcore::Result<u64>;
    /// Leaves a kid busy, and returns.
    fn keep_kid_busy(&mut self);

    #[property]
    fn begun(&self) -> u32;
}

#[derive(mpcore::Child)]
#[child(Parent, new = ParentProcess::open)]
struct ParentProcess {
    cx: ParentContext,
    log: String,
    kids: Vec<KidControl>,
    told: Vec<String>,
    kept: Option<CallFuture<u64, mpcore::Error>>,
}

impl ParentProcess {
    #[allow(clippy::unnecessary_wraps)]
    fn open(cx: ParentContext, log: String) -> mpcore::Result<Self> {
        Ok(Self { cx, log, kids: Vec::new(), told: Vec::new(), kept: None })
    }

    /// Counts a command that has begun; returns the last kid.
    fn begin(&self) -> &KidControl {
        self.cx.begun.modify(|begun| *begun += 1);
        self.kids.last().expect("it has a kid")
    }
}

impl Parent for ParentProcess {
    fn cleanup(&mut self) {
        let sum = self.kids.last().map(|kid| kid.add(20, 22).wait());
        append(&self.log, &format!("parent {sum:?}"));
    }

    fn start_kid(&mut self, milliseconds: u64, grace: Option<Duration>) -> mpcore::Result<u32> {
        let config = KidConfig { log: self.log.clone(), milliseconds, hangs: false };
        let builder = KidControl::builder().child::<KidProcess>().config(config);
        let builder = builder.stdout(mpcore::OutputMode::Null);
        let kid = match grace {
            Some(grace) => builder.stop_grace(grace),
            None => builder,
        };
        let kid = kid.build()?;
        let told = kid.signals().exception_raised.receiver();
        kid.process().start()?;
        kid.process().wait_ready(LONG)?;
        // Exceptions of the start come before the outcome of a call.
        let (sender, done) = std::sync::mpsc::channel();
        kid.add(0, 0).on_done(move |_| {
            let _ = sender.send(());
        });
        done.recv_timeout(LONG)?;
        while let Some((exception,)) = told.try_recv() {
            self.told.push(format!("{:?} {exception}", exception.kind));
        }
        let pid = kid.process().pid().unwrap_or_default();
        self.kids.push(kid);
        Ok(pid)
    }

    fn told_of_kid(&mut self) -> Vec<String> {
        self.told.clone()
    }

    fn wait_for_work(&mut self) -> mpcore::Result<u64> {
        Ok(self.begin().work(600_000).wait()?)
    }

    fn wait_for_deaf(&mut self) -> mpcore::Result<()> {
        Ok(self.begin().ignore(600_000).wait()?)
    }

    fn await_two(&mut self, asked: bool) -> mpcore::Result<usize> {
        let kid = self.begin();
        let this_command = self.cx.call();
        let mut futures = [false, asked].map(|asked| {
            if asked {
                // On another thread, so that the command itself does not know.
                std::thread::scope(|scope| {
                    scope.spawn(|| until("it is asked to end", || this_command.cancelled()));
                });
            }
            (Some(Box::pin(kid.work(600_000).into_future())), None)
        });
        let outcomes = system_tests::block_on(std::future::poll_fn(|cx| {
            for (future, outcome) in &mut futures {
                if let Some(pending) = future
                    && let Poll::Ready(ended) = pending.as_mut().poll(cx)
                {
                    (*future, *outcome) = (None, Some(ended));
                }
            }
            let all = futures.iter().all(|(future, _)| future.is_none());
            if all { Poll::Ready(futures.each_mut().map(|it| it.1.take())) } else { Poll::Pending }
        }));
        let ended = |it: &Option<Result<u64, _>>| {
            matches!(it, Some(Err(CallError::Wait(WaitError::Interrupted))))
        };
        let ended = outcomes.iter().filter(|it| ended(it)).count();
        append(&self.log, &format!("awaited {ended}"));
        self.cx.check_cancelled()?;
        Ok(ended)
    }

    fn keep_future(&mut self) -> mpcore::Result<()> {
        // `cleanup` waits for its end.
        let mut future = self.begin().work(1000).into_future();
        let looked = Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop()));
        assert!(looked.is_pending());
        self.kept = Some(future);
        loop {
            self.cx.check_cancelled()?;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn look_at_kept(&mut self) -> mpcore::Result<Option<u64>> {
        let kept = self.kept.as_mut().expect("one was kept");
        match Pin::new(kept).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => Ok(None),
            Poll::Ready(ended) => Ok(Some(ended?)),
        }
    }

    fn join_kid(&mut self) -> mpcore::Result<()> {
        let joined = self.begin().process().join(Duration::MAX);
        assert_eq!(joined, Err(JoinError::Wait(WaitError::Interrupted)));
        joined?;
        Ok(())
    }

    fn wait_for_hanging_kid(&mut self) -> mpcore::Result<()> {
        let config = KidConfig { hangs: true, ..KidConfig::default() };
        let kid = KidControl::builder().child::<KidProcess>().config(config);
        let kid = kid.stop_grace(Duration::from_millis(100)).start_deadline(Duration::MAX);
        let kid = kid.stdout(mpcore::OutputMode::Null).spawn()?;
        self.begin();
        let ready = kid.process().wait_ready(Duration::MAX);
        assert_eq!(ready, Err(ReadyError::Wait(WaitError::Interrupted)));
        // Not the last kid, which `cleanup` uses.
        self.kids.insert(0, kid);
        Ok(ready?)
    }

    fn tidy_up(&mut self) -> mpcore::Result<i32> {
        let kid = self.begin();
        until("it is asked to end", || self.cx.cancelled());
        Ok(kid.add(1, 2).wait()?)
    }

    fn tidy_up_slowly(&mut self) -> mpcore::Result<u64> {
        let kid = self.begin();
        until("it is asked to end", || self.cx.cancelled());
        append(&self.log, "tidies up");
        Ok(kid.work(1000).wait()?)
    }

    fn keep_kid_busy(&mut self) {
        self.begin().ignore(600_000);
    }
}

fn append(file: &str, line: &str) {
    use std::io::Write as _;
    let mut file =
        fs::OpenOptions::new().append(true).create(true).open(file).expect("the log can be opened");
    // In one write: other processes append too.
    file.write_all(format!("{line}\n").as_bytes()).expect("a line can be written");
}

/// A parent, and the log that it shares with its kids.
struct Family {
    parent: ParentControl,
    log: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Family {
    fn new(grace: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let builder = ParentControl::builder().child::<ParentProcess>();
        let builder = builder.config(log.to_string_lossy().into_owned()).stop_grace(grace);
        let builder = builder.transport(system_tests::transport::transport());
        let parent = builder.stdout(mpcore::OutputMode::Null).spawn().unwrap();
        parent.process().wait_ready(LONG).unwrap();
        Self { parent, log, _folder: folder }
    }

    fn start_kid(&self, milliseconds: u64, grace: Option<Duration>) -> u32 {
        outcome(self.parent.start_kid(milliseconds, grace)).unwrap()
    }

    /// Waits until a command of the kid runs, for which a command of the parent waits.
    fn until_kid_works(&self) {
        until("the kid's command has begun", || self.lines() == ["begun"]);
    }

    fn lines(&self) -> Vec<String> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Stops the parent, which must end in order.
    #[track_caller]
    fn stop(&self) {
        self.parent.process().stop();
        let status = self.parent.process().join(LONG).unwrap();
        assert_eq!(status.code(), Some(0));
        let report = self.parent.process().exit_report().unwrap();
        assert_eq!(
            (report.state, report.cleanup == CleanupStatus::Ran),
            (ProcessState::Finished, true),
            "{report}"
        );
    }
}

#[test]
fn an_orderly_child_ends_after_its_own_children() {
    let family = Family::new(LONG);
    let kids = [(); 3].map(|()| family.start_kid(500, None));
    family.stop();
    assert_eq!(family.lines(), ["parent Some(Ok(42))", "kid", "kid", "kid"]);
    assert!(kids.iter().all(|kid| processes::has_ended(*kid)));
}

#[test]
fn a_deaf_grandchild_does_not_keep_a_child_from_its_goodbye() {
    // Much longer than the kid's stop ladder, which ends with a kill.
    let family = Family::new(LONG);
    let kid = family.start_kid(0, Some(Duration::from_secs(1)));
    outcome(family.parent.keep_kid_busy()).unwrap();
    family.until_kid_works();
    // `cleanup` must not wait for it here.
    let idle = family.start_kid(0, None);
    family.stop();
    assert!(processes::has_ended(kid) && processes::has_ended(idle));
}

#[test]
fn a_grace_shorter_than_a_nested_childs_is_reported() {
    let grace = Duration::from_secs(4);
    let family = Family::new(grace);
    family.start_kid(0, None);
    family.start_kid(0, Some(Duration::from_millis(3500)));
    assert_eq!(outcome(family.parent.told_of_kid()).unwrap(), Vec::<String>::new());
    family.start_kid(0, Some(Duration::from_secs(10)));
    let told = outcome(family.parent.told_of_kid()).unwrap();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].starts_with(&format!("{:?}", ExceptionKind::ShortGrace)), "{told:?}");
    assert!(told[0].contains("10s") && told[0].contains("4s"), "{told:?}");
}

#[test]
fn children_of_a_killed_child_end_by_themselves() {
    let family = Family::new(LONG);
    let kid = family.start_kid(0, None);
    family.parent.process().kill();
    family.parent.process().join(LONG).unwrap();
    processes::until_ended(&[kid]);
    assert_eq!(family.lines(), ["kid"]);
}

// ---- commands that wait for commands

#[test]
fn a_cancel_ends_the_wait_for_a_childs_own_child() {
    let family = Family::new(LONG);
    family.start_kid(0, None);
    let call = family.parent.wait_for_work();
    family.until_kid_works();
    call.cancel();
    assert!(matches!(outcome(call), Err(CallError::Cancelled)));
    until("the inner call is cancelled", || family.lines() == ["begun", "cancelled"]);
    family.stop();
}

#[test]
fn a_cancel_ends_the_wait_for_a_child_that_does_not_listen() {
    let family = Family::new(LONG);
    family.start_kid(0, Some(Duration::from_millis(100)));
    let call = family.parent.wait_for_deaf();
    family.until_kid_works();
    call.cancel();
    assert!(matches!(outcome(call), Err(CallError::Cancelled)));
}

#[test]
fn a_stop_ends_the_wait_for_a_childs_own_child() {
    let family = Family::new(LONG);
    family.start_kid(0, None);
    let call = family.parent.wait_for_work();
    family.until_kid_works();
    family.stop();
    assert!(matches!(outcome(call), Err(CallError::Stopped)));
    assert_eq!(family.lines(), ["begun", "cancelled", "parent Some(Ok(42))", "kid"]);
}

/// Regression: only blocking calls were ended; and not the second one, if the cancel came before
/// it was made.
#[test]
fn a_cancel_ends_awaited_calls_of_a_childs_own_child() {
    for asked in [false, true] {
        let family = Family::new(LONG);
        family.start_kid(0, None);
        let call = family.parent.await_two(asked);
        family.until_kid_works();
        call.cancel();
        assert!(matches!(outcome(call), Err(CallError::Cancelled)));
        // The second call begins too, if the first one ends before it is cancelled.
        until("both are ended, and the inner calls are cancelled", || {
            let lines = family.lines();
            let count = |line: &str| lines.iter().filter(|it| *it == line).count();
            count("awaited 2") == 1 && count("begun") == count("cancelled")
        });
        family.stop();
    }
}

/// Regression: it ended the next command as cancelled without a request, and so the child was
/// killed.
#[test]
fn a_future_outliving_a_cancelled_command_does_not_end_the_next() {
    let family = Family::new(LONG);
    family.start_kid(0, None);
    let call = family.parent.keep_future();
    family.until_kid_works();
    call.cancel();
    assert!(matches!(outcome(call), Err(CallError::Cancelled)));
    let kept = outcome(family.parent.look_at_kept());
    assert!(matches!(kept, Ok(None | Some(1000))), "{kept:?}");
    family.stop();
}

#[test]
fn the_deadline_of_a_command_ends_its_join() {
    let family = Family::new(LONG);
    family.start_kid(0, None);
    let call = family.parent.join_kid().timeout(Duration::from_millis(200));
    let ended = outcome(call);
    assert!(matches!(ended, Err(CallError::TimedOut { .. })), "{ended:?}");
    family.stop();
}

#[test]
fn a_cancel_or_stop_ends_join_and_wait_ready_in_a_command() {
    for (hangs, stops) in [(false, false), (false, true), (true, false), (true, true)] {
        let family = Family::new(LONG);
        family.start_kid(0, None);
        let call = match hangs {
            false => family.parent.join_kid(),
            true => family.parent.wait_for_hanging_kid(),
        };
        until("the command has begun", || family.parent.begun() == 1);
        match stops {
            false => call.cancel(),
            true => family.stop(),
        }
        let outcome = outcome(call);
        let right = match stops {
            false => matches!(outcome, Err(CallError::Cancelled)),
            true => matches!(outcome, Err(CallError::Stopped)),
        };
        assert!(right, "hangs {hangs}, stops {stops}: {outcome:?}");
    }
}

/// Regression: the cancel of any other call interrupted it.
#[test]
fn a_cancel_of_another_call_ends_no_wait_of_a_cancelled_one() {
    let family = Family::new(LONG);
    family.start_kid(0, None);
    let (call, queued) = (family.parent.tidy_up_slowly(), family.parent.told_of_kid());
    until("the command has begun", || family.parent.begun() == 1);
    call.cancel();
    until("it knows", || family.lines() == ["tidies up", "begun"]);
    queued.cancel();
    assert_eq!(outcome(queued), Err(CallError::Cancelled));
    assert!(outcome(call).is_ok());
    family.stop();
}

#[test]
fn a_command_that_knows_of_its_end_may_wait_again() {
    let family = Family::new(LONG);
    family.start_kid(0, None);
    let call = family.parent.tidy_up();
    until("the command has begun", || family.parent.begun() == 1);
    call.cancel();
    assert_eq!(outcome(call).unwrap(), 3);
}
