import QtQuick
import QtTest
import Rigs 1.0

// The same load as the benchmark `flood`, without its clock: nothing is lost.
RigCase {
    id: test
    name: "Floods"

    readonly property int times: 100000

    Component {
        id: flooding
        Flood {
            property int handled: 0
            property double last: 0
            property bool rising: true
            property int ticks: 0
            property bool inOrder: true
            // What has arrived when the results come.
            property var results: []

            onStamp_changed: stamp => {
                rising = rising && stamp > last
                last = stamp
                handled += 1
                // Slower than the child.
                for (let i = 0; i < 1000; ++i);
            }
            onAll_set: stamp => results.push([stamp, last])
            onTick: number => {
                ticks += 1
                inOrder = inOrder && number === ticks
            }
            onAll_emitted: times => results.push([times, ticks])
        }
    }

    function test_of_a_property_the_last_value_arrives_before_the_result() {
        const flood = createTemporaryObject(flooding, test)
        flood.set_away(times)
        tryCompare(flood.results, "length", 1, soon)
        const [result, last] = flood.results[0]
        verify(result > 0)
        compare(last, result)
        compare(flood.stamp, result)
        verify(flood.rising)
        verify(flood.handled < times, flood.handled)
    }

    function test_of_an_event_every_one_arrives_before_the_result() {
        const flood = createTemporaryObject(flooding, test)
        flood.emit_away(times)
        tryCompare(flood.results, "length", 1, soon)
        compare(flood.results[0], [times, times])
        verify(flood.inOrder)
    }
}
