import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Example 1.0

// A label bound to one property, and a slider that requests values of another.
ApplicationWindow {
    // With this argument it requests a volume, waits for the last greeting, prints both, and quits.
    readonly property bool once: Qt.application.arguments.includes("--once")
    readonly property bool complete: greeter.greeting === "Hello World 3!" && greeter.volume > 0

    title: "Properties"
    width: 360
    height: 140
    visible: true

    Greeter { id: greeter }

    ColumnLayout {
        anchors { fill: parent; margins: 20 }
        Label { text: greeter.greeting; textFormat: Text.PlainText; font.pixelSize: 20 }
        RowLayout {
            Label { text: "volume" }
            // The slider requests up to 15; the child allows up to 10.
            Slider {
                id: wanted
                from: 0
                to: 15
                stepSize: 1
                Layout.fillWidth: true
                onMoved: greeter.volume = value
            }
            Label { text: greeter.volume; Layout.preferredWidth: 24 }
        }
    }

    onCompleteChanged: {
        if (once && complete) {
            console.info("greeting: " + greeter.greeting + ", volume: " + greeter.volume)
            Qt.quit()
        }
    }
    Component.onCompleted: if (once) greeter.volume = 15
}
