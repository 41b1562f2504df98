import QtQuick
import QtTest
import Rigs 1.0

// Events, ordinary and `latest`, ways to connect to them, and a timer that fires among them.
RigCase {
    id: test
    name: "Events"

    Component { id: logged; LoggedRig { } }

    function test_every_event_arrives_in_order() {
        const rig = createTemporaryObject(logged, test)
        rig.tick_away(5000)
        tryVerify(() => rig.heard("ticked").length === 1, soon)
        const ticks = rig.heard("tick")
        compare(ticks.length, 5000)
        for (let i = 0; i < 5000; ++i)
            compare(ticks[i], `tick ${i + 1} tick ${i + 1}`)
        // No signal comes before its cause.
        verify(rig.log.indexOf("tick 5000 tick 5000") < rig.log.indexOf("ticked 5000"))
    }

    function test_of_a_latest_event_the_last_one_arrives() {
        const rig = createTemporaryObject(logged, test)
        rig.tick_away(5000)
        tryVerify(() => rig.heard("ticked").length === 1, soon)
        const positions = rig.heard("position")
        verify(positions.length >= 1)
        compare(positions[positions.length - 1], "position 5000 -5000")
        let before = 0
        for (const entry of positions) {
            const x = Number(entry.split(" ")[1])
            verify(x > before)
            before = x
        }
    }

    function test_a_slow_handler_sees_fewer_latest_events_and_all_others() {
        const rig = createTemporaryObject(logged, test)
        const slowly = () => { const end = Date.now() + 1; while (Date.now() < end); }
        rig.inside = { tick: slowly, position: slowly }
        // Each position is behind a tick, which it does not overtake.
        rig.tick_away(300)
        tryVerify(() => rig.heard("ticked").length === 1, soon)
        compare(rig.heard("tick").length, 300)
        compare(rig.heard("position").length, 300)
        rig.log = []
        rig.drift(3000)
        tryVerify(() => rig.heard("position").indexOf("position 3000 0") >= 0, soon)
        verify(rig.heard("position").length < 3000, rig.heard("position").length)
    }

    Timer {
        id: turns
        property int times: 0
        interval: 1
        repeat: true
        onTriggered: times += 1
    }

    // Signals occupy the GUI thread only briefly at a time, however many wait: a timer fires among
    // them.
    function test_a_timer_fires_among_many_signals() {
        const rig = createTemporaryObject(logged, test)
        let before = 0
        let after = 0
        rig.inside = {
            tick: number => {
                if (number === 2)
                    before = turns.times
                if (number === 300)
                    after = turns.times
                // During the first one the child sends all the others.
                const end = Date.now() + (number === 1 ? 300 : 1)
                while (Date.now() < end);
            },
        }
        turns.start()
        rig.tick_away(300)
        tryVerify(() => rig.heard("ticked").length === 1, soon)
        turns.stop()
        compare(rig.heard("tick").length, 300)
        verify(after - before > 3, `${after - before} times`)
    }

    Component {
        id: connected
        Item {
            property alias rig: rig
            property var heard: []
            LoggedRig { id: rig }
            Connections {
                target: rig
                function onTick(number, label) { heard.push(number + label) }
                function onAdd_two_finished(sum) { heard.push(sum) }
            }
        }
    }

    function test_connections_are_notified_too() {
        const item = createTemporaryObject(connected, test)
        item.rig.tick_away(2)
        item.rig.add_two(1, 2)
        tryVerify(() => item.heard.length === 3, soon)
        compare(item.heard, ["1tick 1", "2tick 2", 3])
    }

    function test_connected_functions_are_called_until_disconnected() {
        const rig = createTemporaryObject(logged, test)
        let heard = 0
        const handler = () => heard += 1
        rig.tick.connect(handler)
        rig.tick_away(2)
        tryCompare(rig.process, "state", "running", soon)
        tryVerify(() => rig.heard("ticked").length === 1, soon)
        compare(heard, 2)
        rig.tick.disconnect(handler)
        rig.tick_away(2)
        tryVerify(() => rig.heard("ticked").length === 2, soon)
        compare(heard, 2)
    }
}
