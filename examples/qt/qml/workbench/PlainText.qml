import QtQuick

// Text that is shown as it is: much of it comes from a child, and is not to be taken for markup.
Text {
    textFormat: Text.PlainText
    color: Theme.text
    font.pixelSize: Theme.body
    elide: Text.ElideRight
    verticalAlignment: Text.AlignVCenter
}
