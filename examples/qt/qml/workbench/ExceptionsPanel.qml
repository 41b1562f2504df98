import QtQuick
import QtQuick.Controls.Basic as T
import QtQuick.Layouts

// Failures, newest first: exceptions, and runs that ended by a kill.
Card {
    id: panel

    // Older entries would never be read.
    readonly property int limit: 500
    property int total: 0
    readonly property alias list: list
    readonly property alias clearButton: clear
    readonly property alias model: exceptions

    function add(exception) {
        const where = exception.process + (exception.command ? "." + exception.command : "")
        insert(where, exception.kind, exception.message, false)
        total += 1
    }

    // A crash has already been reported as an exception.
    function addEnd(exit) {
        if (exit.killed)
            insert(exit.name, "killed", exit.text, true)
    }

    function insert(where, kind, message, wanted) {
        const time = Qt.formatTime(new Date(), "hh:mm:ss")
        exceptions.insert(0, { time: time, where: where, kind: kind, message: message, wanted: wanted })
        if (exceptions.count > limit)
            exceptions.remove(limit)
    }

    title: "Exceptions and kills"
    beside: [
        PlainText {
            text: panel.total === 0 ? "no exception" : panel.total === 1 ? "1 exception" : Theme.number(panel.total) + " exceptions"
            color: panel.total === 0 ? Theme.dim : Theme.danger
            font { pixelSize: Theme.fine + 1; weight: Font.DemiBold }
        },
        ActionButton {
            id: clear
            text: "Clear"
            compact: true
            visible: exceptions.count > 0
            onClicked: {
                exceptions.clear()
                panel.total = 0
            }
        }
    ]

    ListModel { id: exceptions }

    ListView {
        id: list
        clip: true
        model: exceptions
        spacing: Theme.small
        boundsBehavior: Flickable.StopAtBounds
        T.ScrollBar.vertical: ThinScrollBar {}
        Layout.fillWidth: true
        Layout.fillHeight: true
        Layout.minimumHeight: 40
        delegate: Column {
            id: entry
            required property string time
            required property string where
            required property string kind
            required property string message
            required property bool wanted
            width: ListView.view.width - 12
            spacing: 1
            Row {
                width: parent.width
                spacing: Theme.small
                PlainText { text: entry.where; font { pixelSize: Theme.fine + 1; weight: Font.Medium } }
                PlainText { text: entry.kind; color: entry.wanted ? Theme.warn : Theme.danger; font.pixelSize: Theme.fine + 1 }
                PlainText { text: entry.time; color: Theme.dim; font.pixelSize: Theme.fine + 1 }
            }
            PlainText {
                text: entry.message
                width: parent.width
                color: Theme.dim
                font.pixelSize: Theme.fine + 1
                wrapMode: Text.Wrap
                maximumLineCount: 3
            }
        }
        PlainText {
            anchors.centerIn: parent
            visible: exceptions.count === 0
            text: "kill a child, or let it panic"
            color: Theme.dim
            font.pixelSize: Theme.fine + 1
        }
    }
}
