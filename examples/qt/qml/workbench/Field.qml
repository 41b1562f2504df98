import QtQuick
import QtQuick.Controls.Basic

// A text field in the colours of the theme, marked while its text is wrong.
TextField {
    id: field

    property bool wrong: false

    implicitHeight: Theme.control
    topPadding: 0
    bottomPadding: 0
    leftPadding: 10
    rightPadding: 10
    verticalAlignment: TextInput.AlignVCenter
    color: Theme.text
    placeholderTextColor: Theme.dim
    selectionColor: Theme.accent
    selectedTextColor: Theme.accentText
    font.pixelSize: Theme.body
    selectByMouse: true
    background: Rectangle {
        radius: 6
        color: Theme.sunken
        border.color: field.wrong ? Theme.danger : field.activeFocus ? Theme.accent : Theme.border
        border.width: field.activeFocus || field.wrong ? 2 : 1
    }
}
