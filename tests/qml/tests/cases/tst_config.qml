import QtQuick
import QtTest
import Rigs 1.0

// The property `config`: its defaults, what a change affects, and what a wrong value does.
RigCase {
    id: test
    name: "Config"

    Component { id: logged; LoggedRig { } }
    Component { id: refused; LoggedRig { config: ({ refuse: "not today" }) } }

    function thrown(what) {
        try { what() } catch (e) { return e.name + ": " + e.message }
        return "nothing was thrown"
    }

    function told(rig) {
        const before = rig.heard("configured").length
        rig.tell_config()
        tryVerify(() => rig.heard("configured").length === before + 1, soon)
        return rig.heard("configured").pop()
    }

    function test_unset_it_is_a_struct_of_defaults() {
        const rig = createTemporaryObject(logged, test)
        verify(rig.config === undefined)
        compare(told(rig), "configured ")
    }

    function test_a_config_reads_as_it_was_set() {
        const rig = createTemporaryObject(logged, test, { config: { port: "A" } })
        compare(rig.config.port, "A")
        compare(told(rig), "configured A")
    }

    function test_a_changed_config_counts_from_the_next_start() {
        const rig = createTemporaryObject(logged, test, { config: { port: "A" } })
        compare(told(rig), "configured A")
        let changed = 0
        rig.config_changed.connect(() => changed += 1)
        rig.config = { port: "B" }
        tryVerify(() => changed === 1, soon)
        compare(rig.config.port, "B")
        compare(told(rig), "configured A")
        rig.process.restart()
        tryVerify(() => rig.heard("ready").length === 2, soon)
        compare(told(rig), "configured B")
    }

    function test_a_wrong_config_is_a_warning_and_the_last_one_stays() {
        const rig = createTemporaryObject(logged, test, { config: { port: "A" } })
        compare(told(rig), "configured A")
        ignoreWarning(/.*RigObject: config: port: invalid type: integer `5`, expected a string.*/)
        rig.config = { port: 5 }
        ignoreWarning(/.*RigObject: config: unknown field `prot`, expected `port` or `refuse`.*/)
        rig.config = { prot: "x" }
        compare(rig.config.port, "A")
        rig.config = { port: "C" }
        rig.process.restart()
        tryVerify(() => rig.heard("ready").length === 2, soon)
        compare(told(rig), "configured C")
    }

    function test_after_a_wrong_config_nothing_starts() {
        const rig = createTemporaryObject(logged, test, { config: { port: "A" } })
        compare(told(rig), "configured A")
        rig.process.stop()
        tryVerify(() => rig.heard("finished").length === 1, soon)
        ignoreWarning(/.*RigObject: config: port: invalid type.*/)
        rig.config = { port: 5 }
        const message = thrown(() => rig.process.start())
        compare(message, "Error: RigObject: config: port: invalid type: integer `5`, expected a string")
        rig.config = { port: "B" }
        rig.process.start()
        compare(told(rig), "configured B")
    }

    function test_a_refused_config_fails_the_start() {
        const rig = createTemporaryObject(refused, test)
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.heard("failed"), ["failed postrun_init"])
        compare(rig.heard("finished"), ["finished failed"])
        compare(rig.heard("ready"), [])
        verify(rig.log.indexOf("failed postrun_init") < rig.log.indexOf("finished failed"))
        compare(rig.process.state, "failed")
        verify(rig.process.exit.failure.text.indexOf("not today") >= 0)
        rig.config = { port: "better" }
        rig.process.start()
        compare(told(rig), "configured better")
        compare(rig.process.state, "running")
    }

    function test_calls_of_a_failed_start_end() {
        const rig = createTemporaryObject(refused, test)
        rig.add_two(1, 2)
        tryVerify(() => rig.heard("finished").length === 1, soon)
        compare(rig.heard("call_failed"), ["call_failed add_two exited"])
    }
}
