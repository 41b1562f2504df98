import QtQuick
import QtQuick.Controls.Basic as T

// The digested files, up to a limit. The view stays at the end unless the user has scrolled away
// from it.
Rectangle {
    id: table

    // More would never be read, and each of them costs memory.
    property int limit: 100000
    // The number of files left out of the table.
    property int more: 0
    readonly property alias count: files.count
    readonly property alias view: view
    readonly property alias moreText: moreText

    function clear() {
        files.clear()
        table.more = 0
    }

    function add(rows) {
        const follow = view.atYEnd
        const kept = rows.slice(0, Math.max(0, table.limit - files.count))
        table.more += rows.length - kept.length
        files.append(kept.map(row => ({ path: row.path, size: row.size, sha256: row.sha256, problem: row.problem || "" })))
        if (follow)
            view.positionViewAtEnd()
    }

    function row(index) { return files.get(index) }

    color: Theme.sunken
    border.color: Theme.border
    radius: 6
    clip: true

    ListModel { id: files }

    // Plain positions: many lines come and go, and a layout would account for most of their cost.
    component Line: Item {
        property alias path: path.text
        property alias size: size.text
        property alias sha256: sha256.text
        property alias tone: path.color

        PlainText {
            id: path
            width: size.x - Theme.gap
            height: parent.height
            font.pixelSize: Theme.fine + 1
            elide: Text.ElideMiddle
        }
        PlainText {
            id: size
            x: sha256.x - width - Theme.gap
            width: 64
            height: parent.height
            color: Theme.dim
            font.pixelSize: Theme.fine + 1
            horizontalAlignment: Text.AlignRight
        }
        PlainText {
            id: sha256
            x: parent.width - width
            width: 104
            height: parent.height
            color: Theme.dim
            font { pixelSize: Theme.fine; family: Theme.mono }
        }
    }

    Line {
        id: head
        anchors { left: parent.left; right: parent.right; top: parent.top; leftMargin: 10; rightMargin: 14 }
        height: 24
        path: "File"
        size: "Size"
        sha256: "SHA-256"
        tone: Theme.dim
    }
    Rectangle {
        id: rule
        anchors { left: parent.left; right: parent.right; top: head.bottom }
        height: 1
        color: Theme.border
    }
    ListView {
        id: view
        anchors { left: parent.left; right: parent.right; top: rule.bottom; bottom: moreText.top; margins: 1 }
        clip: true
        model: files
        reuseItems: true
        boundsBehavior: Flickable.StopAtBounds
        T.ScrollBar.vertical: ThinScrollBar {}
        delegate: Line {
            required property var model
            required property int index
            x: 9
            width: view.width - 22
            height: 22
            path: model.problem === "" ? model.path : model.path + ": " + model.problem
            size: model.problem === "" ? Theme.bytes(model.size) : ""
            sha256: model.sha256.substring(0, 14)
            tone: model.problem === "" ? Theme.text : Theme.danger
        }
    }
    PlainText {
        id: moreText
        anchors { left: parent.left; right: parent.right; bottom: parent.bottom; leftMargin: 10; rightMargin: 14 }
        height: visible ? 22 : 0
        visible: table.more > 0
        text: "and " + Theme.number(table.more) + " more"
        color: Theme.dim
        font.pixelSize: Theme.fine + 1
    }
    PlainText {
        anchors.centerIn: view
        visible: files.count === 0
        text: "the files appear here as they are read"
        color: Theme.dim
        font.pixelSize: Theme.fine + 1
    }
}
