import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Words 1.0

// A window that counts the words of a text, by a child that is another program.
ApplicationWindow {
    // With this argument it counts once, prints the result, and quits.
    readonly property bool once: Qt.application.arguments.includes("--once")

    title: "Words"
    width: 420
    height: 120
    visible: true

    WordCounter {
        id: counter
        onCounted: (words, longest) => {
            result.text = words + " words, the longest is “" + longest + "”; " + total + " so far"
            if (once) {
                console.info(result.text)
                Qt.quit()
            }
        }
        process.onFailed: failure => {
            result.text = failure.text
            if (once) {
                console.error(failure.text)
                Qt.exit(1)
            }
        }
    }

    ColumnLayout {
        anchors { fill: parent; margins: 20 }
        RowLayout {
            TextField {
                id: text
                text: "the quick brown fox"
                Layout.fillWidth: true
                onAccepted: counter.count(text.text)
            }
            Button { text: "Count"; onClicked: counter.count(text.text) }
        }
        Label {
            id: result
            textFormat: Text.PlainText
            elide: Text.ElideRight
            Layout.fillWidth: true
        }
    }

    Component.onCompleted: if (once) counter.count(text.text)
}
