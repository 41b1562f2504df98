import QtQuick
import QtQuick.Layouts

// One digest for a whole folder: the folder, buttons, progress, files and result. The child can be
// cancelled or killed while it works.
Card {
    id: panel

    required property QtObject digest
    property alias folder: path.text
    property real fraction: 0
    // The id of the running call; 0 if there is none.
    property double call: 0
    // The result of the last digest, or undefined.
    property var summary
    property string problem: ""
    property bool cancelled: false
    readonly property color problemTone: cancelled ? Theme.warn : Theme.danger

    readonly property bool running: call !== 0
    readonly property alias path: path
    readonly property alias startButton: start
    readonly property alias cancelButton: cancel
    readonly property alias chooseButton: choose
    readonly property alias chooser: chooser
    readonly property alias table: table
    readonly property alias outcome: outcome
    readonly property alias speed: speed

    function begin() {
        if (panel.running || path.text === "")
            return
        panel.summary = undefined
        panel.problem = ""
        panel.fraction = 0
        table.clear()
        panel.call = panel.digest.digest(path.text)
    }

    title: "Digest a folder"
    beside: [
        PlainText {
            visible: panel.digest.files_total > 0 && (panel.running || panel.fraction > 0)
            text: Theme.number(panel.digest.files_done) + " of " + Theme.number(panel.digest.files_total) + " files"
            color: Theme.dim
            font.pixelSize: Theme.fine + 1
        },
        PlainText {
            id: speed
            visible: panel.digest.mb_per_second > 0
            text: panel.digest.mb_per_second.toFixed(0) + " MB/s"
            color: panel.running ? Theme.accent : Theme.dim
            font { pixelSize: Theme.fine + 1; weight: Font.DemiBold }
        }
    ]

    Connections {
        target: panel.digest
        function onFiles_read(files) { if (panel.running) table.add(files) }
        function onDigest_finished(summary) {
            panel.summary = summary
            panel.fraction = 1
            panel.call = 0
        }
        function onCall_failed(call, name, error) {
            if (call !== panel.call)
                return
            panel.problem = error.text
            panel.cancelled = error.kind === "cancelled"
            panel.call = 0
        }
    }
    Connections {
        target: panel.digest.process
        function onProgress(call, fraction) { if (call === panel.call) panel.fraction = fraction }
    }
    Loader {
        id: chooser
        active: false
        source: "FolderChooser.qml"
        onLoaded: {
            item.chosen.connect(folder => path.text = folder)
            item.openAt(path.text)
        }
    }

    RowLayout {
        spacing: Theme.small
        Layout.fillWidth: true
        Field {
            id: path
            placeholderText: "a folder"
            readOnly: panel.running
            Layout.fillWidth: true
            onAccepted: panel.begin()
        }
        ActionButton {
            id: choose
            text: "Choose…"
            enabled: !panel.running
            onClicked: {
                if (chooser.item)
                    chooser.item.openAt(path.text)
                else
                    chooser.active = true
            }
        }
        ActionButton {
            id: start
            text: "Digest"
            primary: true
            visible: !panel.running
            enabled: path.text !== ""
            onClicked: panel.begin()
        }
        ActionButton {
            id: cancel
            text: "Cancel"
            tone: Theme.danger
            visible: panel.running
            onClicked: panel.digest.process.cancel(panel.call)
        }
    }

    Rectangle {
        Layout.fillWidth: true
        implicitHeight: 8
        radius: 4
        color: Theme.faint(Theme.dim, 0.18)
        Rectangle {
            height: parent.height
            width: parent.width * panel.fraction
            radius: 4
            visible: width > 4
            color: panel.problem !== "" ? panel.problemTone : panel.summary ? Theme.good : Theme.accent
        }
    }

    RowLayout {
        Layout.fillWidth: true
        PlainText {
            text: panel.running ? panel.digest.current_file || "…" : panel.problem !== "" ? panel.problem
                : panel.summary ? "everything was read" : "nothing is being read"
            color: panel.problem !== "" && !panel.running ? panel.problemTone : Theme.dim
            font.pixelSize: Theme.fine + 1
            elide: Text.ElideMiddle
            Layout.fillWidth: true
        }
        PlainText {
            text: Math.floor(panel.fraction * 100) + " %"
            visible: panel.running || panel.fraction > 0
            color: Theme.dim
            font.pixelSize: Theme.fine + 1
        }
    }

    FileTable {
        id: table
        Layout.fillWidth: true
        Layout.fillHeight: true
        Layout.minimumHeight: 80
    }

    RowLayout {
        spacing: Theme.gap
        Layout.fillWidth: true
        PlainText {
            id: outcome
            text: panel.summary ? panel.summary.sha256 : "no digest yet"
            color: panel.summary ? Theme.text : Theme.dim
            elide: Text.ElideMiddle
            font { family: Theme.mono; pixelSize: Theme.fine }
            Layout.fillWidth: true
        }
        PlainText {
            visible: panel.summary !== undefined
            text: panel.summary ? Theme.bytes(panel.summary.bytes)
                + (panel.summary.unreadable.length ? ", " + panel.summary.unreadable.length + " unreadable" : "") : ""
            color: Theme.dim
            font.pixelSize: Theme.fine + 1
        }
    }
}
