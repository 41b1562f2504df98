import QtQuick
import QtTest
import Rigs 1.0

// `rename_all = "camelCase"`: which names change, and which remain.
RigCase {
    id: test
    name: "Camel"

    property var log: []

    CamelRig {
        id: rig
        config: ({ port: "COM3" })
        onAddTwoFinished: sum => test.log.push("sum " + sum)
        onPowerSet: watts => test.log.push("power " + watts)
        onCountChanged: { }
        onExceptionRaised: exception => test.log.push(exception.kind + " " + exception.command)
        onCallFinished: (call, name) => test.log.push("finished " + name)
        onCallFailed: (call, name, error) => test.log.push("failed " + name)
        onConfigChanged: test.log.push("config")
        process.onStateChanged: { }
    }

    function init() {
        tryCompare(rig.process, "state", "running", soon)
        log = []
    }

    function test_a_command() {
        rig.addTwo(1, 2)
        tryCompare(test.log, "length", 2, soon)
        compare(test.log[0], "sum 3")
        // Names that are values remain those of the interface.
        compare(test.log[1], "finished add_two")
    }

    function test_a_property() {
        rig.power = 2
        tryCompare(rig, "power", 2, soon)
        rig.setPower(3)
        tryCompare(rig, "power", 3, soon)
        compare(rig.connected, true)
    }

    function test_a_failure() {
        rig.fail("Error")
        tryCompare(test.log, "length", 2, soon)
        compare(test.log, ["raised fail", "failed fail"])
    }

    function test_a_wrong_argument_is_reported_by_its_qml_name() {
        let message = ""
        try { rig.addTwo("x", 1) } catch (e) { message = e.message }
        compare(message, "CamelRig.addTwo: argument `num1`: invalid type: string \"x\", expected i32")
    }

    function test_the_names_of_rust_are_not_there() {
        compare(typeof rig.add_two, "undefined")
        compare(typeof rig.add_two_finished, "undefined")
        compare(typeof rig.call_finished, "undefined")
    }

    function test_members_of_all_objects_keep_their_names() {
        compare(typeof rig.process.cancel_all, "function")
        compare(typeof rig.process.cancelAll, "undefined")
        let keys = []
        const failed = exception => keys = Object.keys(exception)
        rig.exceptionRaised.connect(failed)
        rig.fail("Error")
        tryVerify(() => keys.length > 0, soon)
        rig.exceptionRaised.disconnect(failed)
        verify(keys.indexOf("commands_lost") >= 0, keys)
    }

    function test_config() {
        rig.config = { port: "B" }
        tryCompare(test.log, "length", 1, soon)
        compare(test.log, ["config"])
    }
}
