import QtQuick
import QtQuick.Controls.Basic

// A button in the colours of the theme: ordinary, primary or compact.
Button {
    id: button

    property color tone: Theme.text
    property bool primary: false
    property bool compact: false

    implicitHeight: compact ? 26 : Theme.control
    leftPadding: compact ? 9 : 14
    rightPadding: leftPadding
    topPadding: 0
    bottomPadding: 0
    font.pixelSize: compact ? Theme.fine : Theme.body
    font.weight: primary ? Font.DemiBold : Font.Medium
    opacity: enabled ? 1 : 0.4
    hoverEnabled: true

    contentItem: PlainText {
        text: button.text
        font: button.font
        color: button.primary ? Theme.accentText : button.tone
        horizontalAlignment: Text.AlignHCenter
    }
    background: Rectangle {
        radius: 6
        color: {
            if (button.primary)
                return button.down ? Qt.darker(Theme.accent, 1.15) : button.hovered ? Qt.lighter(Theme.accent, 1.08) : Theme.accent
            return Theme.faint(button.tone, button.down ? 0.2 : button.hovered ? 0.13 : 0.07)
        }
        border.color: button.visualFocus ? Theme.accent : "transparent"
        border.width: 2
        Rectangle {
            anchors { fill: parent; margins: -3 }
            radius: 9
            color: "transparent"
            border { color: Theme.accent; width: 2 }
            visible: button.visualFocus && button.primary
        }
    }
}
