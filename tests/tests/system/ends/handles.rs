//! Code that works with any control, and handles that do not own their child.

use std::time::Duration;

use mpcore::{Child, Control, Interface, Process, ProcessState, StartError};
use system_tests::{LONG, until};

#[mpcore::process]
trait Laser {
    fn fire(&mut self) -> u8;
}

#[mpcore::process]
trait Camera {
    fn shoot(&mut self) -> u8;
    #[property(default = 7)]
    fn frames(&self) -> u8;
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct LaserProcess {}

impl Laser for LaserProcess {
    fn fire(&mut self) -> u8 {
        1
    }
}

#[derive(mpcore::Child)]
#[child(Camera)]
struct CameraProcess {}

impl Camera for CameraProcess {
    fn shoot(&mut self) -> u8 {
        2
    }
}

/// Uses only what all children have in common.
#[derive(Default)]
struct Panel {
    processes: Vec<Process>,
}

impl Panel {
    /// Starts a child and shows it.
    fn start<P>(&mut self) -> Result<<P::Interface as Interface>::Control, StartError>
    where
        P: Child<Interface: Interface<Config = ()>>,
    {
        let control = <P::Interface as Interface>::Control::new::<P>(())?;
        control.process().start()?;
        self.show(&control);
        Ok(control)
    }

    fn show<C: Control>(&mut self, control: &C) {
        self.processes.push(control.process().clone());
    }
}

#[test]
fn generic_code_starts_and_shows_any_child() {
    let mut panel = Panel::default();
    let laser = panel.start::<LaserProcess>().unwrap();
    let camera = panel.start::<CameraProcess>().unwrap();
    assert_eq!(laser.fire().wait(), Ok(1));
    assert_eq!(camera.shoot().wait(), Ok(2));
    let shown: Vec<_> = panel.processes.iter().map(Process::pid).collect();
    assert_eq!(shown, [laser.process().pid(), camera.process().pid()]);

    fn frames<C: Control<Signals = CameraSignals>>(control: &C) -> bool {
        control.signals().frames_changed.connect(|_| ());
        control.downgrade().upgrade().is_some()
    }
    assert!(frames(&camera));
}

#[test]
fn a_process_handle_does_not_keep_the_child() {
    let laser = LaserControl::spawn::<LaserProcess>(()).unwrap();
    laser.process().wait_ready(LONG).unwrap();
    let process = laser.process().clone();
    drop(laser);
    until("the end", || process.state() == ProcessState::Finished);
    let report = process.exit_report().unwrap();
    assert!(report.failure.is_none(), "{report}");

    // The ended child can still be queried, stopped again without effect, and waited for.
    process.stop();
    process.kill();
    assert!(matches!(process.join(Duration::ZERO), Ok(status) if status.success()));
    assert_eq!((process.pid(), process.pending_commands()), (None, 0));
    assert!(matches!(process.start(), Err(StartError::ControlGone)));
    assert!(matches!(process.restart(), Err(StartError::ControlGone)));
    assert_eq!((process.state(), process.generation()), (ProcessState::Finished, 1));
}

#[test]
fn a_process_handle_never_restarts_a_child_that_is_stopping() {
    let laser = LaserControl::spawn::<LaserProcess>(()).unwrap();
    let process = laser.process().clone();
    drop(laser);
    let refused = process.restart().unwrap_err().to_string();
    assert!(refused.contains("the last control of this child was dropped"), "{refused}");
    until("the end", || process.state().has_ended());
    assert_eq!(process.generation(), 1);
    assert!(!process.restart_pending());
}
