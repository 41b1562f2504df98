import QtQuick
import QtTest
import Rigs 1.0

TestCase {
    name: "Calls"
    when: windowShown

    property int grouped: 0

    Rig {
        id: rig
        config: ({ port: "COM3" })
        process.onReady: grouped += 1
        process.onFinished: exit => console.log(exit.text)
    }

    SignalSpy { id: added; target: rig; signalName: "add_two_finished" }
    SignalSpy { id: configured; target: rig; signalName: "configured" }
    SignalSpy { id: finished; target: rig; signalName: "call_finished" }

    function test_a_command_answers_by_its_signal() {
        added.clear()
        finished.clear()
        const call = rig.add_two(20, 22)
        verify(call > 0)
        added.wait()
        compare(added.signalArguments[0][0], 42)
        tryCompare(finished, "count", 1)
        compare(finished.signalArguments[0][0], call)
        compare(finished.signalArguments[0][1], "add_two")
    }

    function test_the_config_reaches_the_child() {
        configured.clear()
        rig.tell_config()
        configured.wait()
        compare(configured.signalArguments[0][0], "COM3")
    }

    function test_a_grouped_handler_hears() {
        tryCompare(this, "grouped", 1)
        compare(rig.process.state, "running")
        verify(rig.process.pid > 0)
    }

    function test_a_wrong_argument_throws() {
        let message = ""
        try { rig.add_two("x", 1) } catch (e) { message = (e instanceof TypeError) + " " + e.message }
        compare(message, "true RigObject.add_two: argument `num1`: invalid type: string \"x\", expected i32")
    }

    function test_a_read_only_property_throws() {
        let message = ""
        try { rig.connected = false } catch (e) { message = e.message }
        compare(message, "RigObject.connected is read-only: the child sets it")
    }

    function test_written() {
        rig.power = 2.5
        tryCompare(rig, "power", 2.5)
        let message = ""
        try { rig.power = "much" } catch (e) { message = e.message }
        compare(message, "RigObject.set_power: argument `power`: invalid type: string \"much\", expected f64")
    }
}
