import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import QtQuick.Templates as T

// The only dialog: exceptions that arrive while it is open are counted in it and open no other.
Popup {
    id: dialog

    property var exception: ({ process: "", command: null, kind: "", message: "" })
    property int further: 0
    readonly property alias closeButton: close
    readonly property alias message: message
    readonly property alias more: more

    function show(exception) {
        if (dialog.opened || dialog.visible) {
            dialog.further += 1
            return
        }
        dialog.exception = exception
        dialog.further = 0
        dialog.open()
    }

    anchors.centerIn: parent
    width: Math.min(480, parent ? parent.width - 80 : 480)
    padding: 20
    modal: true
    focus: true
    closePolicy: Popup.CloseOnEscape
    onOpened: close.forceActiveFocus()

    enter: Transition { NumberAnimation { property: "opacity"; from: 0; to: 1; duration: 90 } }
    exit: Transition { NumberAnimation { property: "opacity"; from: 1; to: 0; duration: 90 } }
    T.Overlay.modal: Rectangle { color: Theme.dark ? "#90000000" : "#5a1a2130" }

    background: Rectangle {
        color: Theme.surface
        border.color: Theme.border
        radius: Theme.radius + 2
    }
    contentItem: ColumnLayout {
        spacing: Theme.gap
        RowLayout {
            spacing: Theme.gap
            Rectangle {
                implicitWidth: 32
                implicitHeight: 32
                radius: 16
                color: Theme.faint(Theme.danger, 0.15)
                PlainText {
                    anchors.centerIn: parent
                    text: "!"
                    color: Theme.danger
                    font { pixelSize: Theme.large; weight: Font.Bold }
                }
            }
            ColumnLayout {
                spacing: 1
                PlainText {
                    text: dialog.exception.process + (dialog.exception.command ? "." + dialog.exception.command : "")
                    font { pixelSize: Theme.body + 2; weight: Font.DemiBold }
                    Layout.fillWidth: true
                }
                PlainText { text: dialog.exception.kind; color: Theme.danger; font.pixelSize: Theme.fine + 1 }
            }
        }
        PlainText {
            id: message
            text: dialog.exception.message
            wrapMode: Text.Wrap
            maximumLineCount: 8
            Layout.fillWidth: true
        }
        RowLayout {
            spacing: Theme.gap
            PlainText {
                id: more
                text: dialog.further === 0 ? "" : dialog.further === 1 ? "and one more since, in the list" : "and " + Theme.number(dialog.further) + " more since, in the list"
                color: Theme.dim
                font.pixelSize: Theme.fine + 1
                Layout.fillWidth: true
            }
            ActionButton {
                id: close
                text: "Close"
                primary: true
                onClicked: dialog.close()
                Keys.onReturnPressed: dialog.close()
            }
        }
    }
}
