import QtQuick
import QtTest
import Rigs 1.0

// What QML gets when a command fails, panics, is stopped or cancelled, or its child ends.
RigCase {
    id: test
    name: "Failures"

    Component {
        id: logged
        LoggedRig {
            property var exceptions: []
            property var failures: []
            onException_raised: exception => exceptions.push(exception)
            onCall_failed: (call, name, error) => failures.push({ call, name, error })
        }
    }

    function running() {
        const rig = createTemporaryObject(logged, test, { "process.name": "the rig" })
        tryVerify(() => rig.heard("ready").length === 1, soon)
        rig.log = []
        return rig
    }

    function test_an_error() {
        const rig = running()
        const pid = rig.process.pid
        const call = rig.fail("Error")
        tryCompare(rig.failures, "length", 1, soon)
        compare(rig.log, ["exception_raised raised", "call_failed fail raised"])
        const exception = rig.exceptions[0]
        compare(exception.process, "the rig")
        compare(exception.pid, pid)
        compare(exception.command, "fail")
        compare(exception.call, call)
        compare(exception.kind, "raised")
        compare(exception.message, "refused on purpose")
        compare(exception.text, "the rig.fail: refused on purpose")
        compare(exception.commands_lost, null)
        const failure = rig.failures[0]
        compare(failure.call, call)
        compare(failure.name, "fail")
        compare(failure.error.kind, "raised")
        compare(failure.error.message, "refused on purpose")
        compare(failure.error.text, "refused on purpose")
        compare(rig.process.state, "running")
    }

    function test_a_panic() {
        const rig = running()
        const call = rig.fail("Panic")
        rig.add_two(1, 2)
        tryVerify(() => rig.heard("call_finished").length === 1, soon)
        compare(rig.log, ["exception_raised panicked", "call_failed fail panicked",
                          "add_two_finished 3", "call_finished add_two"])
        const exception = rig.exceptions[0]
        compare(exception.call, call)
        verify(exception.message.indexOf("panicked on purpose") >= 0, exception.message)
        verify(exception.message.indexOf("rig.rs") >= 0, exception.message)
        verify(exception.backtrace.length > 0)
        compare(rig.failures[0].error.message, "panicked on purpose")
        verify(rig.failures[0].error.text.indexOf("panicked on purpose") >= 0)
    }

    function test_an_abort() {
        const rig = running()
        const pid = rig.process.pid
        rig.fail("Abort")
        rig.add_two(1, 2)
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.heard("exception_raised"), ["exception_raised crashed"])
        compare(rig.heard("call_failed"), ["call_failed fail exited", "call_failed add_two exited"])
        compare(rig.heard("failed"), ["failed crashed"])
        compare(rig.heard("finished"), ["finished crashed"])
        compare(rig.log[rig.log.length - 1], "finished crashed")
        const exception = rig.exceptions[0]
        compare(exception.command, null)
        compare(exception.call, null)
        compare(exception.pid, pid)
        compare(exception.commands_lost, 2)
        const exit = rig.process.exit
        compare(exit.code, -6)
        compare(exit.pid, pid)
        compare(exit.name, "the rig")
        compare(exit.state, "crashed")
        compare(exit.killed, false)
        compare(exit.end, "status")
        compare(exit.cleanup, "skipped")
        compare(exit.commands_lost, 2)
        compare(exit.failure.kind, "crashed")
        verify(exit.text.indexOf("the rig") >= 0)
        compare(rig.process.state, "crashed")
        compare(rig.process.pid, 0)
        compare(rig.process.alive, false)
    }

    function test_an_exit() {
        const rig = running()
        rig.fail({ Exit: 3 })
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.process.exit.code, 3)
        compare(rig.heard("call_failed"), ["call_failed fail exited"])
        compare(rig.heard("exception_raised"), ["exception_raised crashed"])
    }

    function test_a_kill_is_no_exception() {
        const rig = running()
        rig.hang()
        rig.process.kill()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.heard("call_failed"), ["call_failed hang exited"])
        compare(rig.exceptions.length, 0)
        compare(rig.process.exit.killed, true)
        compare(rig.process.exit.code, -9)
        compare(rig.process.exit.cleanup, "skipped")
    }

    function test_a_stop() {
        const rig = running()
        let begun = false
        rig.process.progress.connect(() => begun = true)
        rig.sleep(1000000)
        rig.add_two(1, 2)
        tryVerify(() => begun, soon)
        rig.process.stop()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.heard("call_failed").sort(), ["call_failed add_two stopped", "call_failed sleep stopped"])
        // A running command reports nothing; the commands that did not run are reported once.
        compare(rig.exceptions.map(exception => exception.kind), ["not_run"])
        compare(rig.exceptions[0].commands, 1)
        compare(rig.process.exit.cleanup, "ran")
        compare(rig.process.exit.killed, false)
        compare(rig.process.exit.state, "finished")
        verify(!rig.process.exit.failure)
    }

    function test_a_call_after_the_end_waits_for_the_next_run_or_is_stopped() {
        const rig = running()
        rig.process.stop()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        const call = rig.add_two(1, 2)
        verify(call > 0)
        rig.process.start()
        tryVerify(() => rig.heard("ready").length === 1, soon)
        rig.add_two(2, 2)
        tryVerify(() => rig.heard("add_two_finished").indexOf("add_two_finished 4") >= 0, soon)
        // One outcome, whichever it is. A call's outcome may come one turn of the event loop after
        // its result.
        const ended = () => rig.heard("call_finished").length + rig.heard("call_failed").length
        tryVerify(() => ended() >= 2, soon)
        compare(ended(), 2)
    }

    function test_a_cancel() {
        const rig = running()
        const progress = []
        rig.process.progress.connect((call, fraction) => progress.push([call, fraction]))
        const call = rig.sleep(1000000)
        const next = rig.sleep(1000000)
        rig.process.cancel(next)
        tryVerify(() => progress.length > 0, soon)
        compare(progress[0][0], call)
        verify(progress[0][1] >= 0 && progress[0][1] <= 1)
        compare(rig.heard("call_failed").length <= 1, true)
        rig.process.cancel(call)
        tryCompare(rig.failures, "length", 2, soon)
        compare(rig.failures.map(it => it.error.kind), ["cancelled", "cancelled"])
        compare(rig.failures.map(it => it.call).sort(), [call, next].sort())
        compare(rig.exceptions.length, 0)
        rig.add_two(1, 1)
        tryVerify(() => rig.heard("add_two_finished").length === 1, soon)
    }

    function test_cancel_all() {
        const rig = running()
        rig.sleep(1000000)
        rig.sleep(1000000)
        rig.process.cancel_all()
        tryCompare(rig.failures, "length", 2, soon)
        compare(rig.failures.map(it => it.error.kind), ["cancelled", "cancelled"])
    }

    function test_a_cancel_of_nothing_does_nothing() {
        const rig = running()
        rig.process.cancel(0)
        rig.process.cancel(123456789)
        rig.add_two(1, 1)
        tryVerify(() => rig.heard("add_two_finished").length === 1, soon)
        compare(rig.failures.length, 0)
    }
}
