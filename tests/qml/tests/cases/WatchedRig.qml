import QtQuick
import Rigs 1.0

// A rig that records signals of its process, received through `Connections`.
Item {
    id: item
    property var seen: []
    property alias process: rig.process
    Rig { id: rig }
    Connections {
        target: rig.process
        function onStarted(pid) { item.seen.push("started") }
        function onReady() { item.seen.push("ready") }
        function onFinished(exit) { item.seen.push("finished " + exit.code) }
    }
}
