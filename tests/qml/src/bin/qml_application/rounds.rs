//! An application starts and ends repeatedly in one process, while children send at full speed:
//! `qml_application rounds COUNT`. Nothing of a round is left: no child, descriptor or thread.

use std::process::ExitCode;

use system_tests::{processes, until};

use crate::{Outcome, argument};

/// The end comes at a different moment each time.
const ENDINGS: [(&str, &str); 8] = [
    ("at once", "Component.onCompleted: Qt.quit()"),
    ("while they start", "property bool seen: one.process.pid > 0; onSeenChanged: Qt.quit()"),
    ("when one is ready", "Connections { target: one.process; function onReady() { Qt.quit() } }"),
    ("in the flood", "onTicksChanged: if (ticks === 100) Qt.quit()"),
    (
        "in the flood, one killed",
        "property bool killed: false
        onTicksChanged: {
            if (!killed && two.process.state === 'running') { killed = true; two.process.kill() }
            if (killed && ticks > 100) Qt.quit()
        }",
    ),
    (
        "in the flood, one destroyed",
        "onTicksChanged: { if (ticks === 50) loader.active = false; if (ticks === 100) Qt.quit() }",
    ),
    (
        "in the flood, one restarted",
        "onTicksChanged: { if (ticks === 50) two.process.restart(); if (ticks === 100) Qt.quit() }",
    ),
    (
        "in the flood, from a timer",
        "Timer { interval: 20; running: root.ticks > 10; onTriggered: Qt.quit() }
        Timer { interval: 1; repeat: true; running: true }",
    ),
];

fn document(round: usize) -> String {
    let (_, ending) = ENDINGS[round % ENDINGS.len()];
    // A window now and then, so that its renderer is created and destroyed as well.
    let root =
        if round.is_multiple_of(3) { "Window { visible: true; title: 'rounds'" } else { "Item {" };
    format!(
        "
        import QtQuick
        import Rigs 1.0
        {root}
            id: root
            property int ticks: 0
            property int counts: 0
            property real place: two.count + one.count
            Rig {{ id: one; onTick: ticks += 1; Component.onCompleted: flood() }}
            Rig {{ id: two; onCount_changed: counts += 1; onTick: ticks += 1; Component.onCompleted: flood() }}
            Loader {{
                id: loader
                sourceComponent: Component {{ Rig {{ onPosition: (x, y) => root.counts += 1; Component.onCompleted: flood() }} }}
            }}
            {ending}
        }}
        "
    )
}

fn round(number: usize) -> Result<(), Box<dyn std::error::Error>> {
    let code = mpqt::run(&document(number))?;
    let own = std::process::id();
    if code != ExitCode::SUCCESS {
        return Err(format!("round {number} ended with {code:?}").into());
    }
    // The application has joined them.
    let left = processes::children(own);
    let ending = ENDINGS[number % ENDINGS.len()].0;
    match left.as_slice() {
        [] => Ok(()),
        left => Err(format!("round {number} ({ending}) has left {left:?}").into()),
    }
}

pub(crate) fn rounds() -> Outcome {
    let count: usize = argument(2).parse()?;
    let own = std::process::id();
    // Creates what Qt and the runtime create only once.
    for number in 0..ENDINGS.len() {
        round(number)?;
    }
    let (descriptors, threads) = (processes::descriptors(own), processes::threads().len());
    for number in 0..count {
        round(number)?;
    }
    // Resources that are released in the background may take a moment.
    until("no more descriptors than before", || processes::descriptors(own) <= descriptors);
    until("no more threads than before", || processes::threads().len() <= threads);
    println!("rounds {count}");
    println!("resident {} MiB", processes::resident_mib(own));
    Ok(ExitCode::SUCCESS)
}
