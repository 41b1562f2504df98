//! The child's second thread: receives stop, cancel and credit while a command runs, and answers
//! pings.
//!
//! It also detects the loss of the controller, by the closed lane, and then makes sure that this
//! process does not outlive the controller by more than the grace, whatever the running command
//! does. A copy forked by the controller may keep the lane open, so the signals thread watches the
//! controller's process itself.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::child::link::Link;
use crate::child::startup::assignment::Place;
use crate::child::startup::exit_code;
use crate::process::{sys, watch};
use crate::transport::BoxedReceiver;
use crate::wire::messages::report::ControlState;
use crate::wire::packets::credit::charge;
use crate::wire::packets::kinds::Lane;
use crate::wire::packets::packet::Head;
use crate::wire::value::codec::decode;

/// How long this child may outlive its controller, in milliseconds; known once the welcome has
/// arrived.
pub(crate) type Grace = Arc<AtomicU32>;

/// Starts the thread. Wait for it before running the user's code: from then on the process is
/// recognised as a child of mpcore, and is spared when another child's descendants are killed.
pub(crate) fn start(
    control: BoxedReceiver,
    link: &Link,
    grace: Grace,
    place: Place,
) -> std::io::Result<Begun> {
    // The search for descendants recognises a child process by this name; a process with a child on
    // a thread is not one.
    let name = match place {
        Place::Process { .. } => "mp-control",
        Place::Thread => "mp-control-here",
    };
    let (begins, begun) = mpsc::sync_channel(1);
    let for_thread = link.clone();
    let body = move || {
        let _ = begins.send(());
        let lost = Lost { link: for_thread, grace, place };
        run(control, &lost.link);
    };
    thread::Builder::new().name(name.into()).spawn(body)?;
    Ok(Begun(begun))
}

/// Waits until the thread has its name, which it has once it runs. It has already been started, so
/// the wait is as short as the scheduler allows, and ends if the thread ends.
pub(crate) struct Begun(mpsc::Receiver<()>);

impl Begun {
    pub(crate) fn wait(self) {
        let _ = self.0.recv();
    }
}

/// Handles control packets until the lane is closed.
pub(crate) fn run(mut control: BoxedReceiver, link: &Link) {
    let mut packet = Vec::new();
    while control.receive(&mut packet).is_ok() {
        link.events.come_to_reading();
        link.events.consumed_control(charge(packet.len()));
        let mut ping = 0;
        // Other packets of the controller are ignored: the child does not judge its controller.
        let Ok((head, body)) = Head::parse(&packet, link.generation(), Lane::Control) else {
            continue;
        };
        if let Ok(state) = decode::<ControlState>(body) {
            link.command.allow(&state.deadlines);
            link.command.cancel(&state.cancelled);
            ping = state.ping;
            if let Some(reason) = state.stop {
                link.stop.request(reason);
            }
        }
        let _ = link.events.credit(head.consumed);
        if ping != 0 {
            link.command.pong(ping);
        }
        // A controller with a command under way sends more packets.
        watch::retry_creating_watcher();
    }
}

/// Dropped when the thread receives nothing more, because the lane is closed or the thread has
/// panicked: either way only the child itself can stop it from now on.
struct Lost {
    link: Link,
    grace: Grace,
    place: Place,
}

impl Drop for Lost {
    fn drop(&mut self) {
        let code = match thread::panicking() {
            true => {
                self.link.events.runtime_panicked();
                exit_code::PANICKED
            }
            false => {
                if self.place != Place::Thread {
                    crate::child::startup::stdio::controller_lost();
                }
                self.link.events.controller_lost();
                exit_code::CONTROLLER_LOST
            }
        };
        if self.place != Place::Thread {
            end_after(&self.grace, code);
        }
    }
}

/// Ends this process because the controller's process has ended, while a copy of the controller may
/// hold the lanes open. Takes the grace at most, whatever the running command does.
pub(crate) fn follow_controller(link: &Link, grace: &Grace) {
    crate::child::startup::stdio::controller_lost();
    link.events.controller_lost();
    end_after(grace, exit_code::CONTROLLER_LOST);
}

/// Ends this process and its group after the grace.
fn end_after(grace: &Grace, code: i32) {
    thread::sleep(Duration::from_millis(grace.load(Ordering::SeqCst).into()));
    sys::end_own_group();
    std::process::exit(code);
}
