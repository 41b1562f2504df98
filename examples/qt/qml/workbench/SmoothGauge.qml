import QtQuick
import Workbench 1.0

// Whether the window stutters: the maximum lateness of a 10 ms timer over the last second.
Row {
    id: gauge

    property real latest: 0

    spacing: Theme.small

    TimerLateness { id: lateness; running: true }
    Timer {
        interval: 1000
        repeat: true
        running: true
        onTriggered: gauge.latest = lateness.take().max_ms
    }

    Rectangle {
        width: 8
        height: 8
        radius: 4
        anchors.verticalCenter: parent.verticalCenter
        color: gauge.latest < 50 ? Theme.good : gauge.latest < 150 ? Theme.warn : Theme.danger
    }
    PlainText {
        text: "this window was at most " + gauge.latest.toFixed(1) + " ms late in the last second"
        color: Theme.dim
        font.pixelSize: Theme.fine + 1
    }
}
