import QtQml
import Rigs 1.0

// A rig that logs the signals it receives, in order.
Rig {
    id: rig

    property var log: []
    // Additional actions of a handler, by the signal's name.
    property var inside: ({})

    function note(name, ...values) {
        log.push([name, ...values].join(" "))
        const more = inside[name]
        if (more)
            more(...values)
    }

    function heard(name) {
        return log.filter(entry => entry.split(" ")[0] === name)
    }

    onAdd_two_finished: sum => note("add_two_finished", sum)
    onNothing_done: note("nothing_done")
    onCalibrate_changed: (volts, text) => note("calibrate_changed", volts, text)
    onConfigured: port => note("configured", port)
    onSlept: milliseconds => note("slept", milliseconds)
    onSurvived: note("survived")
    onCounted: times => note("counted", times)
    onTicked: times => note("ticked", times)
    onCount_changed: count => note("count_changed", count)
    onConnected_changed: connected => note("connected_changed", connected)
    onPower_set: watts => note("power_set", watts)
    onTick: (number, label) => note("tick", number, label)
    onPosition: (x, y) => note("position", x, y)
    onException_raised: exception => note("exception_raised", exception.kind)
    onCall_finished: (call, name) => note("call_finished", name)
    onCall_failed: (call, name, error) => note("call_failed", name, error.kind)
    process.onStarted: note("started")
    process.onReady: note("ready")
    process.onFailed: failure => note("failed", failure.kind)
    process.onFinished: exit => note("finished", exit.state)
    process.onState_changed: state => note("state_changed", state)
}
