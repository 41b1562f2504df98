import QtQuick
import Workbench 1.0

// Acts like a user where there is none: looks at the idle window, adds, changes the interval, makes
// the calculator panic, digests the folder and kills the child in the middle of it, starts it
// again, and saves a picture. It measures how late the window is, and fails where nothing happens
// any more.
Item {
    id: drive

    required property Item bench
    required property QtObject invocation

    // How long nothing may happen, in milliseconds; a block of a file takes milliseconds.
    readonly property int patience: 60000
    // How long the idle window is watched.
    readonly property int idleTime: 2000
    readonly property int interval: 40

    property string stage: "starting"
    property var idle
    property var busy

    function moveOn(stage) {
        drive.stage = stage
        stall.restart()
    }

    function fail(why) {
        if (drive.stage === "over")
            return
        drive.stage = "over"
        Qt.exit(1)
        drive.invocation.complain(why)
    }

    function say(line) {
        if (!drive.invocation.say(line))
            drive.fail("could not write to stdout")
    }

    function begin() {
        drive.say("child " + drive.bench.digest.process.pid + " digests " + drive.bench.folder
            + (drive.stage === "digesting again" ? ", again from the beginning" : ""))
        drive.bench.digestPanel.begin()
    }

    function kill(when) {
        drive.moveOn("killed")
        drive.say("kill -9 " + drive.bench.digest.process.pid + ", " + when)
        drive.bench.childrenPanel.digestRow.killButton.clicked()
    }

    function lateness(name, measured) {
        const number = value => value.toFixed(1).padStart(8)
        drive.say("  " + name.padEnd(32) + number(measured.p99_ms) + number(measured.max_ms)
            + String(measured.count).padStart(8))
    }

    function keepPicture() {
        if (drive.invocation.shot === "") {
            drive.finish()
            return
        }
        const begun = drive.bench.grabToImage(result => {
            if (result.saveToFile(drive.invocation.shot)) {
                drive.say("picture " + drive.invocation.shot)
                drive.finish()
            } else {
                drive.fail("could not write the picture " + drive.invocation.shot)
            }
        })
        if (!begun)
            drive.fail("could not take a picture of the window")
    }

    function finish() {
        if (drive.stage === "over")
            return
        const summary = drive.bench.digestPanel.summary
        drive.say("digest " + summary.sha256 + " files " + summary.files + " bytes " + summary.bytes
            + " unreadable " + summary.unreadable.length)
        if (drive.stage === "over")
            return
        drive.stage = "over"
        Qt.exit(0)
    }

    TimerLateness { id: timer }

    Timer {
        interval: 1000
        repeat: true
        running: true
        triggeredOnStart: true
        onTriggered: drive.invocation.beat()
    }

    Timer {
        id: stall
        interval: drive.patience
        running: drive.stage !== "over"
        onTriggered: drive.fail("nothing has happened for " + interval / 1000 + " s, at \"" + drive.stage + "\"")
    }

    Timer {
        id: idleTimer
        interval: drive.idleTime
        onTriggered: {
            drive.idle = timer.take()
            drive.moveOn("adding")
            drive.bench.addition.add()
        }
    }

    Connections {
        target: drive.bench.monitor
        function onSampled() {
            if (drive.stage === "starting" && drive.bench.load.samples >= 10) {
                drive.moveOn("idle")
                timer.running = true
                idleTimer.start()
            }
        }
        function onInterval_ms_changed(interval) {
            if (drive.stage !== "changing the interval")
                return
            if (interval !== drive.interval) {
                drive.fail("the interval is " + interval + " ms, and not " + drive.interval)
                return
            }
            drive.say("a sample every " + interval + " ms, the child says")
            drive.moveOn("panicking")
            drive.bench.childrenPanel.panicButton.clicked()
        }
        function onCall_failed(call, name, error) { if (error.kind !== "superseded") drive.fail("load monitor: " + name + ": " + error.text) }
    }
    Connections {
        target: drive.bench.calculator
        function onAdd_two_finished(sum) {
            const [first, second] = [drive.bench.addition.first.text, drive.bench.addition.second.text]
            drive.say(first + " + " + second + " = " + sum)
            if (sum !== Number(first) + Number(second)) {
                drive.fail("that is wrong")
                return
            }
            drive.moveOn("changing the interval")
            drive.bench.load.interval.text = drive.interval
            drive.bench.load.change()
        }
        function onException_raised(exception) {
            if (drive.stage !== "panicking") {
                drive.fail("the calculator: " + exception.text)
                return
            }
            drive.say(exception.process + "." + exception.command + " " + exception.kind + ": " + exception.message)
            drive.moveOn("digesting")
            drive.begin()
        }
    }
    Connections {
        target: drive.bench.dialog
        // There is no user to close it.
        function onOpened() { drive.bench.dialog.close() }
    }
    Connections {
        target: drive.bench.digest
        function onDigest_finished() {
            if (drive.stage === "digesting") {
                drive.kill("idle: the folder is too small to have a middle")
            } else if (drive.stage === "digesting again") {
                drive.moveOn("the picture")
                settle.start()
            }
        }
        function onCall_failed(call, name, error) {
            if (drive.stage === "killed")
                drive.say("the call ended: " + error.text)
            else
                drive.fail(error.text)
        }
    }
    Connections {
        target: drive.bench.digest.process
        function onProgress(call, fraction) {
            stall.restart()
            // At 1 the result is on its way, and the middle has passed.
            if (drive.stage === "digesting" && fraction >= 0.5 && fraction < 1)
                drive.kill("at " + (fraction * 100).toFixed(0) + " % of the bytes, in the middle of its work")
        }
        function onFinished(exit) {
            if (drive.stage !== "killed") {
                drive.fail("the digest's child has ended: " + exit.text)
                return
            }
            drive.say(exit.text)
            drive.moveOn("starting again")
            drive.bench.childrenPanel.digestRow.restartButton.clicked()
        }
        function onReady() {
            if (drive.stage !== "starting again")
                return
            drive.moveOn("digesting again")
            drive.begin()
        }
    }

    // The end of the digest is part of what is measured and of the picture.
    Timer {
        id: settle
        interval: 700
        onTriggered: {
            drive.busy = timer.take()
            drive.say("a timer of 10 ms, late by (ms)           p99     max   times")
            drive.lateness("idle, the plot moves", drive.idle)
            drive.lateness("digesting, killed, restarted", drive.busy)
            const beyond = drive.busy.max_ms - drive.idle.max_ms
            if (beyond > 2000) {
                drive.fail("the window froze for " + drive.busy.max_ms.toFixed(0) + " ms")
                return
            }
            drive.say("goal: at most 50 ms beyond idle, " + (beyond <= 50 ? "kept" : "missed"))
            drive.keepPicture()
        }
    }
}
