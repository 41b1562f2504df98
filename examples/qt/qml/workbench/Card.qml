import QtQuick
import QtQuick.Layouts

// A part of the window: a title, a small item beside it, and the content.
Rectangle {
    id: card

    property string title
    property alias beside: beside.data
    default property alias content: body.data

    color: Theme.surface
    border.color: Theme.border
    radius: Theme.radius
    implicitHeight: column.implicitHeight + 2 * Theme.gap
    implicitWidth: column.implicitWidth + 2 * Theme.wide

    ColumnLayout {
        id: column
        anchors { fill: parent; margins: Theme.gap; leftMargin: Theme.wide; rightMargin: Theme.wide }
        spacing: Theme.small

        RowLayout {
            Layout.fillWidth: true
            spacing: Theme.gap
            PlainText {
                text: card.title
                font { weight: Font.DemiBold; pixelSize: Theme.body + 1 }
                Layout.fillWidth: true
            }
            RowLayout { id: beside; spacing: Theme.gap }
        }
        ColumnLayout {
            id: body
            spacing: Theme.small
            Layout.fillWidth: true
            Layout.fillHeight: true
        }
    }
}
