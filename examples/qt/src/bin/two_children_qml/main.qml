import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Example 1.0

// Two counters side by side, each with its state and buttons that count, kill and restart.
ApplicationWindow {
    id: window

    // With this argument both count once, the left one is killed, the right one counts on; it
    // prints what happened to them, and quits.
    readonly property bool once: Qt.application.arguments.includes("--once")

    title: "Two children"
    width: 480
    height: 120
    visible: true

    component Side: ColumnLayout {
        id: side
        required property string name
        readonly property alias counter: counter
        property int counted: 0

        Counter {
            id: counter
            process.name: side.name
            onCounted: number => side.counted = number
        }
        Label { text: side.name + ": " + side.counted; font.pixelSize: 20 }
        Label { text: counter.process.state + ", pid " + counter.process.pid }
        RowLayout {
            Button { text: "Count"; enabled: counter.process.alive; onClicked: counter.count() }
            Button { text: "Kill"; enabled: counter.process.alive; onClicked: counter.process.kill() }
            Button { text: "Restart"; onClicked: counter.process.restart() }
        }
    }

    RowLayout {
        anchors { fill: parent; margins: 12 }
        Side { id: left; name: "left" }
        Side { id: right; name: "right" }
    }

    Connections {
        target: left.counter
        enabled: window.once
        function onCounted() { left.counter.process.kill() }
    }
    Connections {
        target: left.counter.process
        enabled: window.once
        function onFinished(exit) {
            console.info(exit.text)
            right.counter.count()
        }
    }
    Connections {
        target: right.counter
        enabled: window.once
        function onCounted(number) {
            if (left.counter.process.alive || number < 2)
                return
            console.info("right has counted to " + number)
            Qt.quit()
        }
    }
    Component.onCompleted: {
        if (!once)
            return
        right.counter.count()
        left.counter.count()
    }
}
