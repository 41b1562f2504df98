import QtQuick
import QtQuick.Layouts

// Two numbers, a button, and the sum, which arrives as a signal.
Card {
    id: panel

    required property QtObject calculator
    // Additions without an outcome yet.
    property int waiting: 0
    property string sum: "?"
    readonly property alias first: first
    readonly property alias second: second
    readonly property alias button: button
    readonly property alias result: result

    function add() {
        if (!first.acceptableInput || !second.acceptableInput)
            return
        panel.calculator.add_two(Number(first.text), Number(second.text))
        waiting += 1
    }

    title: "Add two numbers"
    beside: PlainText {
        text: "add_two → add_two_finished"
        color: Theme.dim
        font { family: Theme.mono; pixelSize: Theme.fine }
    }

    Connections {
        target: panel.calculator
        function onAdd_two_finished(sum) { panel.sum = sum }
        function onCall_finished(call, name) { if (name === "add_two") panel.waiting -= 1 }
        function onCall_failed(call, name, error) {
            if (name !== "add_two")
                return
            panel.waiting -= 1
            panel.sum = "–"
        }
    }

    RowLayout {
        spacing: Theme.small
        Layout.fillWidth: true

        NumberField { id: first; text: "20" }
        PlainText { text: "+"; color: Theme.dim; font.pixelSize: Theme.large }
        NumberField { id: second; text: "22" }
        ActionButton {
            id: button
            text: "Add"
            primary: true
            enabled: first.acceptableInput && second.acceptableInput
            onClicked: panel.add()
        }
        PlainText { text: "="; color: Theme.dim; font.pixelSize: Theme.large }
        PlainText {
            id: result
            text: panel.waiting > 0 ? "…" : panel.sum
            color: isNaN(text) ? Theme.dim : Theme.text
            font { pixelSize: Theme.large; weight: Font.DemiBold }
            fontSizeMode: Text.HorizontalFit
            minimumPixelSize: Theme.body
            Layout.fillWidth: true
            Layout.preferredWidth: 100
        }
    }

    component NumberField: Field {
        validator: IntValidator {}
        wrong: !acceptableInput
        horizontalAlignment: TextInput.AlignRight
        inputMethodHints: Qt.ImhFormattedNumbersOnly
        Layout.fillWidth: true
        Layout.preferredWidth: 90
        Layout.maximumWidth: 140
        onAccepted: panel.add()
    }
}
