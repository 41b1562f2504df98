import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Example 1.0

// Two numbers, a button, and a label for the sum.
ApplicationWindow {
    // With this argument it adds once, prints the sum, and quits.
    readonly property bool once: Qt.application.arguments.includes("--once")

    title: "Addition"
    width: 360
    height: 80
    visible: true

    Adder {
        id: adder
        onAdd_two_finished: sum => {
            result.text = sum
            if (once) {
                console.info("the sum is " + sum)
                Qt.quit()
            }
        }
    }

    RowLayout {
        anchors { fill: parent; margins: 20 }
        SpinBox { id: first; value: 20; editable: true; Layout.fillWidth: true }
        SpinBox { id: second; value: 22; editable: true; Layout.fillWidth: true }
        Button { text: "Add"; onClicked: adder.add_two(first.value, second.value) }
        Label { id: result; text: "?"; Layout.preferredWidth: 40 }
    }

    Component.onCompleted: if (once) adder.add_two(first.value, second.value)
}
