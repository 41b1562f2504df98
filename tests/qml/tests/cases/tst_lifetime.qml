import QtQuick
import QtTest
import Rigs 1.0

// Objects are created and destroyed while signals wait, calls run or handlers run; what JavaScript
// still holds of them does no harm.
RigCase {
    id: test
    name: "Lifetime"

    Component { id: logged; LoggedRig { } }
    Component { id: plain; Rig { } }
    Component {
        id: flooding
        Rig {
            property int ticks: 0
            onTick: ticks += 1
            Component.onCompleted: { tick_away(20000); count_up(20000) }
        }
    }
    Component {
        id: suicidal
        Rig {
            id: victim
            property var owner
            onTick: number => { if (number === 3) { owner.seen += 1; victim.destroy() } }
            Component.onCompleted: tick_away(10)
        }
    }

    property int seen: 0

    function works() {
        const rig = createTemporaryObject(logged, test)
        rig.add_two(1, 2)
        tryVerify(() => rig.heard("add_two_finished").length === 1, soon)
    }

    Loader { id: loader }

    function test_a_loader_loads_and_unloads() {
        for (let i = 0; i < 50; ++i) {
            loader.sourceComponent = flooding
            verify(loader.item)
            if (i % 5 === 0)
                tryVerify(() => loader.item.ticks > 0, soon)
            else if (i % 2 === 0)
                wait(0)
            loader.sourceComponent = undefined
        }
        works()
    }

    function test_destroyed_while_signals_wait() {
        for (let i = 0; i < 50; ++i) {
            const rig = flooding.createObject(test)
            if (i % 4 === 0)
                tryVerify(() => rig.ticks > 0, soon)
            else if (i % 2 === 0)
                wait(0)
            rig.destroy()
        }
        works()
    }

    function test_destroyed_while_calls_run() {
        const rigs = []
        for (let i = 0; i < 8; ++i) {
            const rig = createTemporaryObject(logged, test)
            rig.sleep(1000000)
            rigs.push(rig)
        }
        for (const rig of rigs)
            tryVerify(() => rig.heard("ready").length === 1, soon)
        for (const rig of rigs)
            rig.destroy()
        wait(0)
        works()
    }

    function test_destroyed_at_once() {
        for (let i = 0; i < 100; ++i) {
            const rig = plain.createObject(test)
            rig.add_two(i, i)
            rig.destroy()
            if (i % 10 === 0)
                wait(0)
        }
        works()
    }

    function test_destroyed_in_its_own_handler() {
        seen = 0
        for (let i = 0; i < 20; ++i)
            suicidal.createObject(test, { owner: test })
        tryCompare(test, "seen", 20, soon)
        works()
        compare(seen, 20)
    }

    // Qt itself aborts if that happens inside a handler that the document declares (`onTick: ..`),
    // so these handlers are connected.
    function test_destroyed_in_a_loop_inside_a_connected_handler_data() {
        return [
            { tag: "an event", of: rig => rig.tick },
            { tag: "a result", of: rig => rig.ticked },
            { tag: "a property", of: rig => rig.count_changed },
            { tag: "call_finished", of: rig => rig.call_finished },
            { tag: "pid_changed", of: rig => rig.process.pid_changed },
            { tag: "started", of: rig => rig.process.started },
            { tag: "ready", of: rig => rig.process.ready },
            { tag: "state_changed", of: rig => rig.process.state_changed },
            { tag: "exit_changed", of: rig => rig.process.exit_changed },
            { tag: "finished", of: rig => rig.process.finished },
        ]
    }

    function test_destroyed_in_a_loop_inside_a_connected_handler(data) {
        const other = createTemporaryObject(logged, test)
        tryVerify(() => other.heard("ready").length === 1, soon)
        for (let i = 0; i < 5; ++i) {
            const rig = plain.createObject(test, { "process.autostart": false })
            let gone = false
            let left = false
            let entered = false
            rig.Component.destruction.connect(() => gone = true)
            other.inside = { add_two_finished: () => rig.destroy() }
            data.of(rig).connect(() => {
                if (entered)
                    return
                entered = true
                other.add_two(1, 2)
                tryVerify(() => gone, soon)
                left = true
            })
            rig.process.start()
            rig.tick_away(10)
            rig.count_up(10)
            rig.fail({ Exit: 0 })
            tryVerify(() => left, soon)
            other.inside = {}
        }
        works()
    }

    function test_only_javascript_holds_the_object() {
        let rig = plain.createObject(null)
        rig.add_two(1, 2)
        wait(0)
        rig = null
        for (let i = 0; i < 10; ++i) {
            gc()
            wait(0)
        }
        works()
    }

    function test_the_process_outlives_nothing() {
        const rig = plain.createObject(test)
        const process = rig.process
        tryCompare(process, "state", "running", soon)
        let gone = false
        rig.Component.destruction.connect(() => gone = true)
        rig.destroy()
        tryVerify(() => gone, soon)
        wait(0)
        let state = "thrown"
        try { state = process.state } catch (e) { }
        verify(state === undefined || state === "created" || state === "thrown", state)
        try { process.start() } catch (e) { }
        works()
    }
}
