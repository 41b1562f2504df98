import QtQuick

// Text shown as it is: much of it comes from a child and must not be interpreted as markup.
Text {
    textFormat: Text.PlainText
    color: Theme.text
    font.pixelSize: Theme.body
    elide: Text.ElideRight
    verticalAlignment: Text.AlignVCenter
}
