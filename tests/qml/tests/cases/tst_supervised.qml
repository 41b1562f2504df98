import QtQuick
import QtTest
import Rigs 1.0

// Supervision: restarts, lines of stderr, and a child that does not answer.
RigCase {
    id: test
    name: "Supervised"

    Component {
        id: supervised
        SupervisedRig {
            property var log: []
            property var lines: []
            property var end: null
            process.onStarted: log.push("started")
            process.onReady: log.push("ready")
            process.onFinished: exit => log.push("finished " + exit.state)
            process.onRestarting: restart =>
                log.push(["restarting", restart.attempt, restart.delay, restart.exit.state].join(" "))
            process.onGave_up: gaveUp => end = gaveUp
            process.onStderr_line: line => lines.push(line)
        }
    }

    Component {
        id: freezing
        FreezingRig {
            property var verdict: null
            property var exit: null
            process.onUnresponsive: heard => verdict = heard
            process.onFinished: heard => exit = heard
        }
    }

    function count(rig, entry) {
        return rig.log.filter(it => it === entry).length
    }

    function test_a_crash_is_followed_by_a_restart_and_too_many_by_none() {
        const rig = createTemporaryObject(supervised, test)
        for (let run = 1; run <= 3; ++run) {
            tryVerify(() => count(rig, "ready") === run, soon)
            compare(rig.process.generation, run)
            rig.fail("Abort")
            tryVerify(() => count(rig, "finished crashed") === run, soon)
        }
        tryVerify(() => rig.end !== null, soon)
        compare(rig.log, [
            "started", "ready", "finished crashed", "restarting 1 10 crashed",
            "started", "ready", "finished crashed", "restarting 2 10 crashed",
            "started", "ready", "finished crashed",
        ])
        verify(rig.end.reason.indexOf("2 times") > 0, rig.end.reason)
        compare(rig.end.exit.generation, 3)
    }

    function test_stderr_comes_line_by_line() {
        const rig = createTemporaryObject(supervised, test)
        tryVerify(() => count(rig, "ready") === 1, soon)
        rig.fail("Panic")
        tryVerify(() => rig.lines.some(line => line.indexOf("panicked") >= 0), soon)
        compare(rig.process.state, "running")
    }

    function test_a_stalled_child_is_reported_and_killed() {
        const rig = createTemporaryObject(freezing, test)
        tryVerify(() => rig.process.state === "running", soon)
        rig.rest()
        rig.add_two(1, 2)
        tryVerify(() => rig.exit !== null, soon)
        verify(rig.verdict !== null)
        verify(rig.verdict.text.indexOf("does not answer") >= 0, rig.verdict.text)
        compare(rig.exit.failure.kind, "unresponsive")
        verify(rig.exit.killed)
    }
}
