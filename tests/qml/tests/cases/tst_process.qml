import QtQuick
import QtTest
import Rigs 1.0

// The object `process`: the signals and properties of a child's life, its methods, and garbage
// collection.
RigCase {
    id: test
    name: "Process"

    Component { id: logged; LoggedRig { } }
    Component { id: byHand; LoggedRig { process.autostart: false } }
    Component { id: named; LoggedRig { process.name: "named in QML" } }

    property var heard: []

    function thrown(what) {
        try { what() } catch (e) { return e.name + ": " + e.message }
        return "nothing was thrown"
    }

    function running() {
        const rig = createTemporaryObject(logged, test)
        tryVerify(() => rig.heard("ready").length === 1, soon)
        return rig
    }

    function life(rig) {
        const names = ["started", "ready", "failed", "finished", "state_changed"]
        return rig.log.filter(entry => names.indexOf(entry.split(" ")[0]) >= 0)
    }

    function test_one_run_is_reported_once_and_in_order() {
        const rig = running()
        const pid = rig.process.pid
        compare(rig.process.generation, 1)
        rig.process.stop()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        const steps = life(rig).filter(entry => !entry.startsWith("state_changed"))
        compare(steps, ["started", "ready", "finished finished"])
        compare(life(rig).filter(entry => entry.startsWith("state_changed")),
                ["state_changed starting", "state_changed running",
                 "state_changed stopping", "state_changed finished"])
        compare(rig.process.exit.pid, pid)
        compare(rig.process.exit.generation, 1)
        compare(rig.process.exit.code, 0)
        compare(rig.process.pid, 0)
    }

    function test_properties_tell_of_their_changes() {
        const rig = createTemporaryObject(byHand, test)
        const watcher = createTemporaryQmlObject(`
            import QtQml
            QtObject {
                property var process: null
                property var seen: []
                readonly property string now: process
                    ? [process.state, process.alive, process.generation, process.pid > 0,
                       process.exit ? process.exit.code : "no exit"].join(" ") : ""
                onNowChanged: seen.push(now)
            }`, test)
        watcher.process = rig.process
        compare(watcher.now, "created false 0 false no exit")
        rig.process.start()
        tryCompare(watcher, "now", "running true 1 true no exit", soon)
        rig.process.stop()
        tryCompare(watcher, "now", "finished false 1 false 0", soon)
        rig.process.start()
        tryCompare(rig.process, "state", "running", soon)
        compare(rig.process.generation, 2)
        tryVerify(() => watcher.now.startsWith("running true 2 true"), soon, watcher.now)
    }

    function test_without_autostart_nothing_starts() {
        const rig = createTemporaryObject(byHand, test)
        compare(rig.process.autostart, false)
        compare(rig.process.state, "created")
        compare(rig.process.pid, 0)
        compare(rig.process.alive, false)
        compare(rig.process.generation, 0)
        verify(rig.process.exit === undefined)
        const other = running()
        other.add_two(1, 2)
        tryVerify(() => other.heard("add_two_finished").length === 1, soon)
        compare(rig.log, [])
        compare(rig.process.state, "created")
        rig.process.start()
        tryVerify(() => rig.heard("ready").length === 1, soon)
    }

    function test_a_second_start_throws() {
        const rig = running()
        const message = thrown(() => rig.process.start())
        verify(message.startsWith("Error: RigObject: the child is running already"), message)
        rig.add_two(1, 1)
        tryVerify(() => rig.heard("add_two_finished").length === 1, soon)
        compare(rig.process.generation, 1)
        compare(rig.heard("started").length, 1)
    }

    function test_a_restart_is_the_next_generation() {
        const rig = running()
        const pid = rig.process.pid
        rig.process.restart()
        tryVerify(() => rig.heard("ready").length === 2, soon)
        verify(rig.process.pid !== pid)
        compare(rig.process.generation, 2)
        compare(rig.heard("finished"), ["finished finished"])
        compare(rig.process.exit.pid, pid)
        rig.add_two(1, 1)
        tryVerify(() => rig.heard("add_two_finished").length === 1, soon)
    }

    function test_a_restart_of_an_ended_child_starts() {
        const rig = running()
        rig.process.kill()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        rig.process.restart()
        tryVerify(() => rig.heard("ready").length === 2, soon)
    }

    function test_a_start_in_the_handler_of_the_end() {
        const rig = running()
        rig.inside = { finished: () => { if (rig.process.generation < 5) rig.process.start() } }
        for (let run = 1; run < 5; ++run) {
            tryVerify(() => rig.heard("ready").length === run, soon)
            rig.process.kill()
        }
        tryVerify(() => rig.heard("ready").length === 5, soon)
        compare(rig.process.generation, 5)
        compare(rig.heard("finished").length, 4)
    }

    function test_terminate_ends_it() {
        const rig = running()
        rig.process.terminate()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.process.exit.cleanup, "ran")
        compare(rig.process.state, "finished")
    }

    function test_finish_runs_queued_calls_and_refuses_the_rest() {
        const rig = running()
        rig.sleep(100)
        rig.add_two(1, 2)
        rig.process.finish()
        rig.add_two(3, 4)
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.heard("add_two_finished"), ["add_two_finished 3"])
        compare(rig.heard("call_failed"), ["call_failed add_two finishing"])
        compare(rig.heard("exception_raised"), ["exception_raised not_run"])
        compare(rig.heard("state_changed").slice(-3),
                ["state_changed finishing", "state_changed stopping", "state_changed finished"])
        compare(rig.process.exit.commands_stopped, 1)
        compare(rig.process.exit.reason, "all queued commands are done")
    }

    function test_finish_within_is_a_stop_when_the_time_is_over() {
        const rig = running()
        let begun = false
        rig.process.progress.connect(() => begun = true)
        rig.sleep(600000)
        rig.add_two(1, 2)
        tryVerify(() => begun, soon)
        rig.process.finish_within(50)
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.heard("call_failed"), ["call_failed sleep stopped", "call_failed add_two stopped"])
        compare(rig.process.exit.commands_stopped, 1)
        compare(rig.process.exit.reason, "the time to finish has passed")
        const message = thrown(() => rig.process.finish_within(-1))
        verify(message.startsWith("TypeError"), message)
        verify(message.includes("-1 is not a valid number of milliseconds"), message)
    }

    SignalSpy { id: stopping; signalName: "stopping" }

    function test_a_stop_reason_is_reported() {
        const rig = running()
        stopping.target = rig.process
        stopping.clear()
        rig.process.stop_with("the sample is gone")
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(stopping.signalArguments.map(values => values[0]), ["the sample is gone"])
        compare(rig.process.exit.reason, "the sample is gone")
    }

    function test_values_of_a_child_that_has_ended_are_stale() {
        const rig = createTemporaryObject(byHand, test)
        const watcher = createTemporaryQmlObject(`
            import QtQml
            QtObject {
                property var rig: null
                property var seen: []
                readonly property string now: rig ? [rig.process.stale, rig.connected].join(" ") : ""
                onNowChanged: seen.push(now)
            }`, test)
        watcher.rig = rig
        rig.process.start()
        tryCompare(watcher, "now", "false true", soon)
        watcher.seen = []
        rig.process.kill()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(watcher.seen, ["true true"])
        rig.process.start()
        tryCompare(watcher, "now", "false true", soon)
        compare(watcher.seen, ["true true", "true false", "false false", "false true"])
    }

    function test_stop_and_kill_of_nothing_do_nothing() {
        const rig = createTemporaryObject(byHand, test)
        rig.process.stop()
        rig.process.kill()
        rig.process.terminate()
        rig.process.cancel_all()
        compare(rig.process.state, "created")
        rig.process.start()
        tryVerify(() => rig.heard("ready").length === 1, soon)
        rig.process.stop()
        rig.process.stop()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        rig.process.stop()
        rig.process.kill()
        compare(rig.process.state, "finished")
        compare(rig.heard("finished").length, 1)
    }

    function test_a_kill_while_it_starts() {
        const rig = createTemporaryObject(logged, test)
        rig.process.kill()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.process.alive, false)
        rig.process.start()
        tryVerify(() => rig.heard("ready").length >= 1, soon)
        rig.add_two(1, 1)
        tryVerify(() => rig.heard("add_two_finished").length === 1, soon)
    }

    function test_an_invalid_call_id_is_not_cancelled() {
        const rig = running()
        const call = rig.sleep(1000000)
        compare(thrown(() => rig.process.cancel("x")),
                "TypeError: process.cancel: argument `call`: invalid type: string \"x\", expected u64")
        // It has cancelled nothing, and the right id still works.
        rig.process.cancel(call)
        tryVerify(() => rig.heard("call_failed").length === 1, soon)
        compare(rig.heard("call_failed"), ["call_failed sleep cancelled"])
    }

    function test_names() {
        const rig = createTemporaryObject(named, test)
        compare(rig.process.name, "named in QML")
        tryVerify(() => rig.heard("ready").length === 1, soon)
        let changed = 0
        rig.process.name_changed.connect(() => changed += 1)
        rig.process.name = "other"
        rig.process.name = "other"
        compare(rig.process.name, "other")
        rig.rest()
        tryVerify(() => rig.heard("call_finished").length === 1, soon)
        compare(changed, 1)
        rig.process.kill()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.process.exit.name, "other")
        verify(createTemporaryObject(logged, test).process.name.length > 0)
    }

    function test_connections_on_the_process() {
        const component = Qt.createComponent("WatchedRig.qml")
        compare(component.errorString(), "")
        const rig = createTemporaryObject(component, test)
        tryVerify(() => rig.seen.length >= 2, soon)
        compare(rig.seen[0], "started")
        compare(rig.seen[1], "ready")
        rig.process.kill()
        tryVerify(() => rig.seen.indexOf("finished -9") > 0, soon)
    }

    function test_progress() {
        const rig = running()
        const fractions = []
        rig.process.progress.connect((call, fraction) => fractions.push([call, fraction]))
        const call = rig.sleep(50)
        tryVerify(() => rig.heard("slept").length === 1, soon)
        verify(fractions.length > 0)
        let last = -1
        for (const [of, fraction] of fractions) {
            compare(of, call)
            verify(fraction > last && fraction < 1)
            last = fraction
        }
    }

    function test_the_same_object_every_time() {
        const rig = running()
        verify(rig.process === rig.process)
        const process = rig.process
        for (let i = 0; i < 5; ++i) {
            gc()
            wait(0)
        }
        compare(process.state, "running")
        rig.process.kill()
        tryVerify(() => rig.heard("finished").length === 1, soon)
    }

    function test_only_cpp_holds_the_process() {
        const rig = createTemporaryObject(logged, test)
        for (let i = 0; i < 20; ++i) {
            rig.process // makes a wrapper, and forgets it
            gc()
            wait(0)
        }
        tryVerify(() => rig.heard("ready").length === 1, soon)
        rig.process.stop()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.process.state, "finished")
    }
}
