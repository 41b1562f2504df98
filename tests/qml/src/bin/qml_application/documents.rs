//! Documents that load, documents that do not, and the ways an application ends; also children of
//! other programs, wrong threads, and a second application.

use std::process::ExitCode;

use mpqt::RunError;
use qml_tests::{RigConfig, RigControl, RigProcess, ShownRig};

use crate::{Outcome, argument};

/// Each of these is refused immediately; after them a valid one runs, in the same process.
pub(crate) fn does_not_load() -> Outcome {
    let documents = [
        ("unknown property", "import QtQuick\nItem {\n    nonsense: 5\n}"),
        ("syntax", "import QtQuick\nItem {\n    width: \n}"),
        ("unknown module", "import No.Such.Module 1.0\nItem { }"),
        ("unknown type", "import QtQuick\nNoSuchType { }"),
        ("not registered in this version", "import Rigs 2.0\nRig { }"),
        ("empty", ""),
        ("unknown handler", "import QtQuick\nimport Rigs 1.0\nRig {\n    onNo_such_signal: { }\n}"),
    ];
    for (what, document) in documents {
        match mpqt::run(document) {
            Err(RunError::Load(reports)) => println!("{what}: {}", reports.replace('\n', " | ")),
            other => println!("{what}: ended with {other:?}"),
        }
    }
    mpqt::run("import QtQuick; Item { Component.onCompleted: Qt.exit(7) }").map_err(Into::into)
}

pub(crate) fn missing_file() -> Outcome {
    match mpqt::run_file("no/such/document.qml") {
        Err(error @ RunError::Read { .. }) => println!("{error}"),
        other => println!("ended with {other:?}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// The document is a file, with an import path.
pub(crate) fn file() -> Outcome {
    Ok(mpqt::Application::new().import_path(argument(3)).run_file(argument(2))?)
}

/// The document is on the command line.
pub(crate) fn exits() -> Outcome {
    Ok(mpqt::run(&argument(2))?)
}

/// The application quits while the child has many signals left to send.
pub(crate) fn says_last() -> Outcome {
    Ok(mpqt::run(
        "
        import QtQuick
        import Rigs 1.0
        Item {
            id: item
            property int ticks: 0
            property int last: 0
            Rig {
                onTick: number => { item.ticks += 1; item.last = number }
                onCounted: times => console.log(`counted ${times} after ${item.ticks} ticks`)
                onCall_failed: (call, name, error) => console.log(`${name} ${error.kind}`)
                process.onReady: { tick_away(3000); count_up(3000); sleep(1000000); add_two(1, 2) }
                process.onProgress: Qt.quit()
                process.onFinished: exit => {
                    console.log(`finished, ${exit.state}, cleanup: ${exit.cleanup}, ${item.ticks}, ${item.last}`)
                }
            }
        }
        ",
    )?)
}

/// The same with two children, each of which ends while the other has many signals left to send.
pub(crate) fn both_say_last() -> Outcome {
    Ok(mpqt::run(
        "
        import QtQuick
        import Rigs 1.0
        Item {
            id: item
            property int asleep: 0
            onAsleepChanged: if (asleep === 2) Qt.quit()
            component Talker: Rig {
                id: talker
                required property string name
                property int ticks: 0
                property int last: 0
                property bool sleeps: false
                function say(what) { console.log(`${name}: ${what}`) }
                onTick: number => { ticks += 1; last = number }
                onCounted: times => say(`counted ${times} after ${ticks} ticks`)
                onCall_failed: (call, name, error) => say(`${name} ${error.kind}`)
                process.onReady: { tick_away(3000); count_up(3000); sleep(1000000); add_two(1, 2) }
                process.onProgress: if (!sleeps) { sleeps = true; item.asleep += 1 }
                process.onFinished: exit => {
                    say(`finished, ${exit.state}, cleanup: ${exit.cleanup}, ${ticks}, ${last}`)
                }
            }
            Talker { name: 'one' }
            Talker { name: 'two' }
        }
        ",
    )?)
}

/// A handler in the GUI thread runs a second application inside the first.
pub(crate) fn second_application() -> Outcome {
    let rig = RigControl::builder()
        .child::<RigProcess>()
        .config(RigConfig::default())
        .inbox(mpqt::inbox())
        .spawn()?;
    rig.signals().add_two_finished.connect(|_| {
        println!("{:?}", mpqt::run("import QtQuick; Item { }").map_err(|error| error.to_string()));
    });
    let shown = ShownRig::attach(rig)?;
    let code = mpqt::Application::new().object("rig", shown).run(
        "
        import QtQuick
        Item {
            Component.onCompleted: { rig.add_two(1, 2); rig.rest() }
            Connections { target: rig; function onCall_finished(call, name) { if (name === 'rest') Qt.exit(4) } }
        }
        ",
    )?;
    Ok(code)
}

/// The thread that first asks for the inbox is the one that runs the application.
pub(crate) fn other_thread() -> Outcome {
    let _inbox = mpqt::inbox();
    let run = || mpqt::run("import QtQuick; Item { }").map_err(|error| error.to_string());
    println!("{:?}", std::thread::spawn(run).join().map_err(|_| "it panicked")?);
    Ok(mpqt::run("import QtQuick; Item { Component.onCompleted: Qt.quit() }")?)
}

/// Another thread has asked for the inbox first.
pub(crate) fn inbox_elsewhere() -> Outcome {
    std::thread::spawn(|| drop(mpqt::inbox())).join().map_err(|_| "it panicked")?;
    println!("{:?}", mpqt::run("import QtQuick; Item { }").map_err(|error| error.to_string()));
    Ok(ExitCode::SUCCESS)
}

/// A child that is a program of its own, and one whose program is missing.
pub(crate) fn remote() -> Outcome {
    Ok(mpqt::run(
        "
        import QtQuick
        import Rigs 1.0
        Item {
            RemoteRig {
                id: remote
                onAdd_two_finished: sum => { console.log('sum ' + sum); missing.process.start() }
                process.onReady: add_two(20, 22)
            }
            MissingRig {
                id: missing
                process.autostart: false
                process.onFailed: failure => console.log(`${failure.kind}: ${failure.text}`)
                process.onFinished: exit => { console.log(exit.state); Qt.quit() }
                onCall_failed: (call, name, error) => console.log(name + ' ' + error.kind)
                Component.onCompleted: rest()
            }
        }
        ",
    )?)
}

/// An unattached object reports what to do.
pub(crate) fn shown_without_control() -> Outcome {
    Ok(mpqt::run(
        "
        import QtQuick
        import Rigs 1.0
        ShownRig {
            id: rig
            function told(what) { try { what() } catch (e) { console.log(e.name + ': ' + e.message) } }
            Component.onCompleted: {
                told(() => rig.add_two(1, 2))
                told(() => rig.process.start())
                rig.process.stop()
                console.log(`${rig.power} ${rig.connected} ${rig.process.state} ${rig.process.pid} [${rig.process.name}]`)
                Qt.quit()
            }
        }
        ",
    )?)
}
