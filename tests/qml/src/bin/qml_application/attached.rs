//! Objects for controls that Rust holds: attached, wrongly attached, with handlers in Rust,
//! destroyed, ended with the application; and a probe that sees how late the event loop is.

use std::cell::RefCell;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use mpqt::{Lateness, LatenessProbe};
use qml_tests::{RigConfig, RigControl, RigObject, RigProcess, ShownRig};
use system_tests::processes;

use crate::Outcome;

fn builder() -> mpcore::ControlBuilder<RigControl> {
    RigControl::builder().child::<RigProcess>().config(RigConfig::default())
}

fn rig() -> Result<RigControl, mpcore::StartError> {
    builder().name("attached").inbox(mpqt::inbox()).spawn()
}

/// Two objects show one child, while Rust has a handler and calls as well.
pub(crate) fn attached() -> Outcome {
    let rig = rig()?;
    // After this the pid does not change.
    rig.process().wait_ready(Duration::from_secs(60))?;
    let pid_before = rig.process().pid();
    rig.signals().add_two_finished.connect(|sum| println!("Rust hears {sum}"));
    rig.add_two(1, 1); // before there is an application
    let one = ShownRig::attach(rig.clone())?;
    let two = RigObject::attach(rig.clone())?;
    println!("{}", one.object().control().is_some_and(|it| it.process().pid() == pid_before));
    println!("{}", one.as_ptr().is_null());
    let code = mpqt::Application::new().object("one", one).object("two", two).run(
        "
        import QtQuick
        Item {
            id: item
            property var heard: []
            function done() {
                if (heard.length !== 4) return
                console.log(heard.sort().join(', '))
                console.log(one.process.name, one.process.pid === two.process.pid, one.process.generation)
                console.log(one.power, two.power)
                Qt.exit(5)
            }
            Connections {
                target: one
                function onAdd_two_finished(sum) { item.heard.push('one ' + sum); item.done() }
            }
            Connections {
                target: two
                function onAdd_two_finished(sum) { item.heard.push('two ' + sum); item.done() }
            }
            Component.onCompleted: { one.power = 2; two.add_two(20, 22) }
        }
        ",
    )?;
    // The application has stopped all children; the control still belongs to Rust.
    println!(
        "{} {:?}",
        rig.process().state(),
        rig.add_two(1, 2).wait().map_err(|it| it.to_string())
    );
    Ok(code)
}

/// A control with another inbox, or on another thread, is refused.
pub(crate) fn attached_wrongly() -> Outcome {
    let elsewhere = builder().build()?;
    println!("{:?}", ShownRig::attach(elsewhere).map(drop).map_err(|error| error.to_string()));
    let inbox = mpcore::Inbox::new(|| {});
    let own = builder().inbox(&inbox).build()?;
    println!("{:?}", ShownRig::attach(own).map(drop).map_err(|error| error.to_string()));
    let right = builder().inbox(mpqt::inbox()).build()?;
    let attach = move || ShownRig::attach(right).map(drop).map_err(|error| error.to_string());
    println!("{:?}", std::thread::spawn(attach).join().map_err(|_| "it panicked")?);
    Ok(ExitCode::SUCCESS)
}

/// A handler in Rust that panics loses only its own notice.
pub(crate) fn panicking_handler() -> Outcome {
    let rig = rig()?;
    rig.signals().tick.connect(|number, _| assert!(*number != 2, "panics on purpose"));
    let shown = ShownRig::attach(rig)?;
    Ok(mpqt::Application::new().object("rig", shown).run(
        "
        import QtQuick
        Item {
            id: item
            property var ticks: []
            Connections {
                target: rig
                function onTick(number) { item.ticks.push(number) }
                function onTicked() { console.log('ticks ' + item.ticks.join(' ')); Qt.exit(6) }
            }
            Component.onCompleted: rig.tick_away(4)
        }
        ",
    )?)
}

/// Waiting for a child in the GUI thread is refused.
pub(crate) fn waiting_handler() -> Outcome {
    let rig = rig()?;
    let weak = rig.downgrade();
    rig.signals().add_two_finished.connect(move |_| {
        let Some(rig) = weak.upgrade() else { return };
        println!("{:?}", rig.add_two(2, 2).wait().map_err(|error| error.to_string()));
    });
    let shown = ShownRig::attach(rig)?;
    Ok(mpqt::Application::new().object("rig", shown).run(
        "
        import QtQuick
        Item {
            property int calls: 0
            Connections { target: rig; function onCall_finished() { calls += 1; if (calls === 1) Qt.quit() } }
            Component.onCompleted: rig.add_two(1, 1)
        }
        ",
    )?)
}

/// Quits while its child is busy for longer than any constant.
pub(crate) fn finishes() -> Outcome {
    let minute = Duration::from_secs(60);
    let rig = builder().at_exit(mpcore::ExitPolicy::Finish(minute)).inbox(mpqt::inbox()).spawn()?;
    let shown = ShownRig::attach(rig)?;
    Ok(mpqt::Application::new().object("rig", shown).run(
        "
        import QtQuick
        Item {
            Connections {
                target: rig
                function onSlept(milliseconds) { console.log('slept ' + milliseconds) }
                function onAdd_two_finished(sum) { console.log('sum ' + sum) }
            }
            Connections {
                target: rig.process
                function onFinished(exit) { console.log(exit.state + ', ' + exit.reason + ', ' + rig.process.stale) }
            }
            Component.onCompleted: { rig.sleep(6500); rig.add_two(20, 22); Qt.quit() }
        }
        ",
    )?)
}

/// The document destroys an object whose child is busy; the application runs until that child is
/// gone.
pub(crate) fn destroyed() -> Outcome {
    let witness = rig()?;
    let weak = witness.downgrade();
    witness.signals().add_two_finished.connect(move |pid| {
        let (pid, Some(witness)) = (pid.cast_unsigned(), weak.upgrade()) else { return };
        thread::spawn(move || {
            processes::until_ended(&[pid]);
            println!("the child is gone");
            witness.rest();
        });
    });
    let shown = ShownRig::attach(witness)?;
    Ok(mpqt::Application::new().object("witness", shown).run(
        "
        import QtQuick
        import Rigs 1.0
        Item {
            id: item
            property int pid: 0
            Component {
                id: maker
                Rig {
                    id: made
                    process.onReady: sleep(1000000)
                    process.onProgress: if (!item.pid) { item.pid = process.pid; made.destroy() }
                    Component.onDestruction: { console.log('destroyed'); witness.add_two(item.pid, 0) }
                }
            }
            Connections {
                target: witness
                function onCall_finished(call, name) { if (name === 'rest') Qt.exit(item.pid > 0 ? 8 : 1) }
            }
            Component.onCompleted: maker.createObject(item)
        }
        ",
    )?)
}

thread_local! {
    static PROBE: RefCell<Option<LatenessProbe>> = const { RefCell::new(None) };
}

/// The GUI thread is blocked for a while, and a probe in Rust detects it.
pub(crate) fn late() -> Outcome {
    let rig = rig()?;
    let weak = rig.downgrade();
    rig.signals().add_two_finished.connect(move |sum| {
        let Some(rig) = weak.upgrade() else { return };
        PROBE.with_borrow_mut(|probe| match (*sum, &probe) {
            (0, _) => {
                *probe = Some(LatenessProbe::start());
                thread::sleep(Duration::from_millis(100));
                rig.add_two(1, 0);
            }
            (1, Some(running)) => {
                let Lateness { count, p99_ms, max_ms, .. } = running.take();
                if count == 0 {
                    rig.add_two(1, 0);
                    return;
                }
                // The timer was due after 10 ms.
                println!("late {} {}", max_ms >= 90.0, p99_ms <= max_ms);
                println!("anew {}", running.take() == Lateness::default());
                *probe = None;
                rig.add_two(2, 0);
            }
            _ => {}
        });
    });
    let shown = ShownRig::attach(rig)?;
    Ok(mpqt::Application::new().object("rig", shown).run(
        "
        import QtQuick
        Item {
            Connections { target: rig; function onAdd_two_finished(sum) { if (sum === 2) Qt.exit(13) } }
            Component.onCompleted: rig.add_two(0, 0)
        }
        ",
    )?)
}
