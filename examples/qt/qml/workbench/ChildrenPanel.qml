import QtQuick
import QtQuick.Layouts

// Three child processes with their memory, and buttons that end, start, panic or hang them.
Card {
    id: panel

    required property QtObject calculator
    required property QtObject digest
    required property QtObject monitor
    // The id of a call that does not return; 0 if there is none.
    property double hanging: 0
    // Bytes by pid, as reported by the monitor.
    property var memory: ({})
    readonly property var pids: [calculator.process.pid, digest.process.pid, monitor.process.pid].filter(pid => pid > 0)

    readonly property alias calculatorRow: calculatorRow
    readonly property alias digestRow: digestRow
    readonly property alias monitorRow: monitorRow
    readonly property alias panicButton: panic
    readonly property alias hangButton: hang

    function watch() {
        if (panel.monitor.process.state === "running")
            panel.monitor.watched = panel.pids
    }

    title: "Child processes"
    onPidsChanged: watch()

    Connections {
        target: panel.monitor
        function onProcesses_sampled(processes) {
            const memory = {}
            for (const process of processes)
                memory[process.pid] = process.bytes
            panel.memory = memory
        }
    }
    Connections {
        target: panel.monitor.process
        function onReady() { panel.watch() }
        function onFinished() { panel.memory = {} }
    }
    Connections {
        target: panel.calculator
        function onCall_failed(call) { if (call === panel.hanging) panel.hanging = 0 }
    }

    ChildRow {
        id: calculatorRow
        name: "Calculator"
        process: panel.calculator.process
        memory: panel.memory[process.pid]
        hangs: panel.hanging !== 0
        Layout.fillWidth: true

        ActionButton {
            id: panic
            text: "Panic"
            compact: true
            tone: Theme.warn
            onClicked: panel.calculator.panic("the user wanted it")
        }
        ActionButton {
            id: hang
            text: "Hang"
            compact: true
            tone: Theme.warn
            enabled: panel.hanging === 0
            onClicked: panel.hanging = panel.calculator.hang()
        }
    }
    Rule {}
    ChildRow {
        id: digestRow
        name: "Digest"
        process: panel.digest.process
        memory: panel.memory[process.pid]
        Layout.fillWidth: true
    }
    Rule {}
    ChildRow {
        id: monitorRow
        name: "Load monitor"
        process: panel.monitor.process
        memory: panel.memory[process.pid]
        Layout.fillWidth: true
    }

    component Rule: Rectangle {
        implicitHeight: 1
        color: Theme.faint(Theme.border, 0.7)
        Layout.fillWidth: true
    }
}
