import QtQuick
import QtQuick.Controls.Basic
import QtTest
import Rigs 1.0

// Properties of the child: initial values, changes and floods of them, and writes, also by
// bindings, that it confirms or refuses.
RigCase {
    id: test
    name: "Properties"
    width: 300; height: 200

    Component { id: logged; LoggedRig { } }
    Component { id: declared; LoggedRig { power: 2.0; sample: ({ name: "first", volts: [1] }) } }
    Component { id: wrong; LoggedRig { power: "much" } }
    Component { id: wrongConfig; LoggedRig { config: 5 } }
    Component {
        id: bound
        Item {
            property alias rig: rig
            property alias slider: slider
            property var value: slider.value
            property var text: rig.power + " W"
            Slider { id: slider; from: 0; to: 10; value: 1.5 }
            LoggedRig { id: rig; power: value }
        }
    }

    function thrown(what) {
        try { what() } catch (e) { return e.name + ": " + e.message }
        return "nothing was thrown"
    }

    function test_initial_values_stand_before_the_start() {
        const rig = createTemporaryObject(logged, test, { "process.autostart": false })
        compare(rig.power, 1)
        compare(rig.count, 0)
        compare(rig.connected, false)
        compare(rig.sample.name, "")
        compare(rig.sample.volts.length, 0)
        compare(rig.sample.note, null)
    }

    function test_the_child_sets_and_the_signal_brings_the_value() {
        const rig = createTemporaryObject(logged, test)
        tryCompare(rig, "connected", true, soon)
        tryVerify(() => rig.heard("connected_changed").indexOf("connected_changed true") >= 0, soon)
        rig.count_up(3)
        tryVerify(() => rig.heard("counted").length === 1, soon)
        compare(rig.count, 3)
        const last = rig.heard("count_changed").pop()
        compare(last, "count_changed 3")
        // Before the result.
        verify(rig.log.indexOf(last) < rig.log.indexOf("counted 3"))
    }

    function test_postrun_init_sets_before_ready() {
        const rig = createTemporaryObject(logged, test)
        tryVerify(() => rig.heard("ready").length === 1, soon)
        verify(rig.log.indexOf("connected_changed true") >= 0, rig.log)
        verify(rig.log.indexOf("connected_changed true") < rig.log.indexOf("ready"), rig.log)
    }

    function test_an_assignment_is_confirmed_by_the_child() {
        const rig = createTemporaryObject(logged, test)
        tryVerify(() => rig.heard("ready").length === 1, soon)
        rig.log = []
        rig.power = 2.5
        compare(rig.power, 1) // not before the child has confirmed it
        tryVerify(() => rig.heard("call_finished").length === 1, soon)
        compare(rig.log, ["power_set 2.5", "call_finished set_power"])
        compare(rig.power, 2.5)
    }

    function test_the_command_is_the_same() {
        const rig = createTemporaryObject(logged, test)
        verify(rig.set_power(3) > 0)
        tryVerify(() => rig.heard("power_set").indexOf("power_set 3") >= 0, soon)
        compare(rig.power, 3)
    }

    function test_a_refused_value_changes_nothing_and_is_an_exception() {
        const rig = createTemporaryObject(logged, test)
        rig.power = 2
        tryVerify(() => rig.heard("call_finished").length === 1, soon)
        compare(rig.power, 2)
        let told = null
        rig.exception_raised.connect(exception => told = exception)
        rig.log = []
        rig.power = 7
        tryVerify(() => rig.heard("call_failed").length === 1, soon)
        compare(rig.log, ["exception_raised raised", "call_failed set_power raised"])
        compare(rig.power, 2)
        compare(told.command, "set_power")
        verify(told.message.indexOf("more than 5 W") >= 0, told.message)
        rig.power = 3
        tryCompare(rig, "power", 3, soon)
    }

    function test_a_value_of_a_wrong_type_is_a_warning_and_changes_nothing() {
        const rig = createTemporaryObject(logged, test)
        for (const [name, value, why] of [
            ["power", "much", "invalid type: string \"much\", expected f64"],
            ["power", undefined, "invalid type: undefined, expected f64"],
            ["power", null, "invalid type: null, expected f64"],
            ["sample", { name: "x" }, "missing field `volts`"],
        ]) {
            ignoreWarning(new RegExp(`.*RigObject\\.${name}: ${why}.*`))
            compare(thrown(() => rig[name] = value), "nothing was thrown")
        }
        compare(rig.power, 1)
        rig.power = 2
        tryCompare(rig, "power", 2, soon)
        compare(rig.heard("call_failed"), [])
    }

    function test_the_command_that_writes_throws() {
        const rig = createTemporaryObject(logged, test)
        compare(thrown(() => rig.set_power(null)),
                "TypeError: RigObject.set_power: argument `power`: invalid type: null, expected f64")
        compare(thrown(() => rig.set_sample({ name: "x" })),
                "TypeError: RigObject.set_sample: argument `sample`: missing field `volts`")
    }

    function test_properties_only_the_child_sets_are_read_only() {
        const rig = createTemporaryObject(logged, test)
        tryCompare(rig, "connected", true, soon)
        ignoreWarning(/.*RigObject\.connected is read-only: the child sets it.*/)
        rig.connected = false
        ignoreWarning(/.*RigObject\.count is read-only: the child sets it.*/)
        rig.count = 5
        compare(rig.connected, true)
        compare(rig.count, 0)
        const pid = rig.process.pid
        for (const name of ["pid", "state", "alive", "generation", "exit"]) {
            ignoreWarning(new RegExp(`.*process\\.${name} is read-only: the child's life sets it.*`))
            rig.process[name] = rig.process[name] || 0
        }
        compare(rig.process.pid, pid)
        verify(thrown(() => rig.process = null).startsWith("TypeError: "))
    }

    function test_the_initial_value_is_no_change() {
        const rig = createTemporaryObject(logged, test)
        tryVerify(() => rig.heard("ready").length === 1, soon)
        compare(rig.heard("power_set"), [])
        compare(rig.heard("count_changed"), [])
        compare(rig.heard("connected_changed"), ["connected_changed true"])
        rig.power = 1 // its current value
        rig.power = 2
        tryVerify(() => rig.heard("call_finished").length === 2, soon)
        compare(rig.heard("power_set"), ["power_set 2"])
    }

    function test_a_struct_is_written_and_read() {
        const rig = createTemporaryObject(logged, test)
        const changed = createTemporaryQmlObject("import QtTest; SignalSpy { }", test)
        changed.target = rig
        changed.signalName = "sample_changed"
        rig.sample = { name: "b", volts: [0.5, 1], note: "n" }
        tryVerify(() => rig.sample.name === "b", soon)
        compare(rig.sample.volts, [0.5, 1])
        compare(rig.sample.note, "n")
        tryVerify(() => changed.count > 0, soon)
        const told = changed.signalArguments[changed.count - 1][0]
        compare(told.name, "b")
        compare(told.volts, [0.5, 1])
    }

    function test_declared_values_are_written_at_the_start() {
        const rig = createTemporaryObject(declared, test)
        tryCompare(rig, "power", 2, soon)
        tryVerify(() => rig.sample.name === "first", soon)
    }

    function test_a_binding_writes_whenever_it_changes() {
        const item = createTemporaryObject(bound, test)
        tryCompare(item.rig, "power", 1.5, soon)
        tryCompare(item, "text", "1.5 W", soon)
        item.slider.value = 4
        tryCompare(item.rig, "power", 4, soon)
        tryCompare(item, "text", "4 W", soon)
        // More than the child allows: the binding remains, and the value in force is shown.
        item.slider.value = 6
        tryVerify(() => item.rig.heard("call_failed").length === 1, soon)
        compare(item.rig.power, 4)
        item.slider.value = 5
        tryCompare(item.rig, "power", 5, soon)
    }

    function test_a_wrong_value_in_a_binding_leaves_the_engine_usable() {
        const item = createTemporaryObject(bound, test)
        tryCompare(item.rig, "power", 1.5, soon)
        ignoreWarning(/.*RigObject\.power: invalid type: string "much", expected f64.*/)
        item.value = "much"
        compare(1 + 1, 2)
        compare(thrown(() => { JSON.parse("[1]") }), "nothing was thrown")
        item.value = 3
        tryCompare(item.rig, "power", 3, soon)
    }

    function test_a_wrong_declared_value_leaves_the_engine_usable() {
        ignoreWarning(/.*RigObject\.power: invalid type: string "much", expected f64.*/)
        let rig = null
        const message = thrown(() => rig = createTemporaryObject(wrong, test))
        compare(message, "nothing was thrown")
        verify(rig)
        compare(thrown(() => { JSON.parse("[1]") }), "nothing was thrown")
        tryVerify(() => rig.heard("ready").length === 1, soon)
        compare(rig.power, 1)
        rig.power = 2
        tryCompare(rig, "power", 2, soon)
    }

    function test_a_wrong_declared_config_leaves_the_engine_usable() {
        ignoreWarning(/.*RigObject: config: invalid type: integer `5`, expected struct RigConfig.*/)
        let rig = null
        const message = thrown(() => rig = createTemporaryObject(wrongConfig, test))
        compare(message, "nothing was thrown")
        verify(rig)
        compare(thrown(() => { JSON.parse("[1]") }), "nothing was thrown")
        compare(rig.process.state, "created")
        rig.config = { port: "right" }
        rig.process.start()
        rig.tell_config()
        tryVerify(() => rig.heard("configured").length === 1, soon)
        compare(rig.heard("configured"), ["configured right"])
    }

    function test_a_flood_of_values_ends_with_the_last() {
        const rig = createTemporaryObject(logged, test)
        rig.count_up(20000)
        tryVerify(() => rig.heard("counted").length === 1, soon)
        compare(rig.count, 20000)
        const told = rig.heard("count_changed").map(entry => Number(entry.split(" ")[1]))
        compare(told[told.length - 1], 20000)
        for (let i = 1; i < told.length; ++i)
            verify(told[i] > told[i - 1], `${told[i - 1]} before ${told[i]}`)
    }

    function test_a_slow_handler_gets_few_values_and_the_last_one() {
        const rig = createTemporaryObject(logged, test)
        let handled = 0
        rig.count_changed.connect(() => {
            handled += 1
            const end = Date.now() + 2
            while (Date.now() < end);
        })
        rig.count_up(100000)
        tryVerify(() => rig.heard("counted").length === 1, soon)
        compare(rig.heard("count_changed").pop(), "count_changed 100000")
        compare(rig.count, 100000)
        compare(handled, rig.heard("count_changed").length)
        verify(handled < 50000, handled)
    }

    function test_after_the_end_the_last_value_stays() {
        const rig = createTemporaryObject(logged, test)
        rig.count_up(3)
        tryVerify(() => rig.heard("counted").length === 1, soon)
        rig.process.kill()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.count, 3)
        compare(rig.connected, true)
    }
}
