import QtQuick
import QtQuick.Layouts

// One child: its name, its state, and buttons that act on it.
Item {
    id: row

    required property string name
    required property QtObject process
    // Bytes, or undefined.
    property var memory
    property bool hangs: false
    default property alias more: more.data

    readonly property alias killButton: kill
    readonly property alias stopButton: stop
    readonly property alias restartButton: restart
    readonly property alias details: details
    readonly property alias stateText: stateText
    readonly property color tone: {
        if (row.hangs)
            return Theme.warn
        switch (row.process.state) {
        case "running": return Theme.good
        case "starting": case "stopping": return Theme.warn
        case "crashed": case "failed": return Theme.danger
        default: return Theme.dim
        }
    }

    implicitHeight: 44
    Layout.fillHeight: true
    Layout.maximumHeight: 60

    ColumnLayout {
        anchors { left: parent.left; right: parent.right; verticalCenter: parent.verticalCenter }
        spacing: 2
        RowLayout {
            spacing: Theme.small
            Layout.fillWidth: true
            Rectangle { width: 9; height: 9; radius: 5; color: row.tone }
            PlainText { text: row.name; font.weight: Font.Medium; Layout.fillWidth: true }
            RowLayout { id: more; spacing: Theme.tight }
            ActionButton {
                id: kill
                text: "Kill"
                compact: true
                tone: Theme.danger
                enabled: row.process.alive
                onClicked: row.process.kill()
            }
            ActionButton {
                id: stop
                text: "Stop"
                compact: true
                enabled: row.process.alive
                onClicked: row.process.stop()
            }
            ActionButton {
                id: restart
                text: row.process.alive ? "Restart" : "Start"
                compact: true
                tone: Theme.accent
                Layout.preferredWidth: 62
                onClicked: row.process.restart()
            }
        }
        RowLayout {
            spacing: Theme.small
            Layout.leftMargin: 17
            PlainText {
                id: stateText
                text: row.hangs && row.process.state === "running" ? "hangs" : row.process.state
                color: row.tone
                font { pixelSize: Theme.fine; weight: Font.Medium }
            }
            PlainText {
                id: details
                text: row.process.pid > 0
                    ? "pid " + row.process.pid + "  ·  run " + row.process.generation + "  ·  " + (row.memory ? Theme.bytes(row.memory) : "–")
                    : row.process.exit ? row.process.exit.text : "no process yet"
                color: Theme.dim
                font.pixelSize: Theme.fine
                Layout.fillWidth: true
            }
        }
    }
}
