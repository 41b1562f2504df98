import QtQuick
import QtTest
import Rigs 1.0

// Commands: results by signal, numbers of calls, order, calls before the start and in handlers, and
// two children.
RigCase {
    id: test
    name: "Calls"

    property int grouped: 0

    Rig {
        id: rig
        config: ({ port: "COM3" })
        process.onReady: test.grouped += 1
    }

    SignalSpy { id: added; target: rig; signalName: "add_two_finished" }
    SignalSpy { id: configured; target: rig; signalName: "configured" }
    SignalSpy { id: finished; target: rig; signalName: "call_finished" }

    Component { id: logged; LoggedRig { } }

    function test_a_command_answers_by_its_signal() {
        added.clear()
        finished.clear()
        const call = rig.add_two(20, 22)
        verify(call > 0)
        added.wait(soon)
        compare(added.signalArguments[0][0], 42)
        compare(added.signalArguments[0].length, 1)
        tryCompare(finished, "count", 1, soon)
        compare(finished.signalArguments[0][0], call)
        compare(finished.signalArguments[0][1], "add_two")
    }

    function test_the_config_reaches_the_child() {
        configured.clear()
        rig.tell_config()
        configured.wait(soon)
        compare(configured.signalArguments[0][0], "COM3")
    }

    function test_a_grouped_handler_is_called() {
        tryCompare(this, "grouped", 1, soon)
        compare(rig.process.state, "running")
        verify(rig.process.pid > 0)
    }

    function test_numbers_of_calls_rise() {
        const first = rig.rest()
        const second = rig.rest()
        verify(second > first)
    }

    function test_the_named_signal_comes_before_call_finished() {
        const rig = createTemporaryObject(logged, test)
        rig.add_two(1, 2)
        rig.nothing()
        rig.calibrate()
        rig.rest()
        tryVerify(() => rig.heard("call_finished").length === 4, soon)
        const calls = rig.log.slice(rig.log.indexOf("ready") + 1)
        compare(calls, [
            "add_two_finished 3", "call_finished add_two",
            "nothing_done", "call_finished nothing",
            "calibrate_changed 0.5 offset", "call_finished calibrate",
            "call_finished rest",
        ])
    }

    function test_calls_made_before_the_start_wait_for_it() {
        const rig = createTemporaryObject(logged, test, { "process.autostart": false })
        rig.add_two(1, 2)
        compare(rig.process.state, "created")
        rig.process.start()
        tryVerify(() => rig.heard("add_two_finished").length === 1, soon)
        verify(rig.log.indexOf("ready") < rig.log.indexOf("add_two_finished 3"))
    }

    function test_a_call_in_a_handler() {
        const rig = createTemporaryObject(logged, test)
        rig.inside = { add_two_finished: sum => { if (sum < 10) rig.add_two(sum, 1) } }
        rig.add_two(0, 1)
        tryVerify(() => rig.heard("add_two_finished").length === 10, soon)
        compare(rig.heard("add_two_finished")[9], "add_two_finished 10")
    }

    function test_many_calls_answer_in_order() {
        const rig = createTemporaryObject(logged, test)
        for (let i = 0; i < 2000; ++i)
            rig.add_two(i, 0)
        tryVerify(() => rig.heard("call_finished").length === 2000, soon)
        const sums = rig.heard("add_two_finished")
        compare(sums.length, 2000)
        for (let i = 0; i < 2000; ++i)
            compare(sums[i], "add_two_finished " + i)
    }

    function test_a_command_with_too_few_arguments_throws() {
        let thrown = null
        try { rig.add_two(1) } catch (e) { thrown = e }
        verify(thrown !== null)
        verify(thrown.message.indexOf("rgument") >= 0, thrown.message)
        compare(added.valid, true)
    }

    function test_a_handler_that_throws_stops_no_other() {
        const rig = createTemporaryObject(logged, test)
        ignoreWarning(/.*on purpose.*/)
        rig.inside = { tick: number => { if (number === 2) throw new Error("on purpose") } }
        rig.tick_away(4)
        tryVerify(() => rig.heard("call_finished").length === 1, soon)
        compare(rig.heard("tick").length, 4)
        rig.add_two(1, 1)
        tryVerify(() => rig.heard("add_two_finished").length === 1, soon)
    }

    function test_two_objects_have_two_children() {
        const one = createTemporaryObject(logged, test, { config: { port: "one" } })
        const two = createTemporaryObject(logged, test, { config: { port: "two" } })
        one.tell_config()
        two.tell_config()
        tryVerify(() => one.heard("call_finished").length === 1, soon)
        tryVerify(() => two.heard("call_finished").length === 1, soon)
        compare(one.heard("configured"), ["configured one"])
        compare(two.heard("configured"), ["configured two"])
        verify(one.process.pid !== two.process.pid)
        one.process.kill()
        tryVerify(() => one.heard("finished").length === 1, soon)
        two.add_two(1, 1)
        tryVerify(() => two.heard("add_two_finished").length === 1, soon)
        compare(two.process.state, "running")
    }

    function test_a_method_is_a_value_of_javascript() {
        const rig = createTemporaryObject(logged, test)
        const add = rig.add_two
        add(4, 5)
        tryVerify(() => rig.heard("add_two_finished").length === 1, soon)
        compare(rig.heard("add_two_finished"), ["add_two_finished 9"])
    }
}
