import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Lab 1.0

// Buttons, a slider, a progress bar and labels for everything that the laser can do.
ApplicationWindow {
    id: window

    // With this argument it demonstrates everything once and quits.
    readonly property bool once: Qt.application.arguments.includes("--once")
    property int volts: 0

    title: "Laser"
    width: 420
    height: 300
    visible: true

    Laser {
        id: laser

        config: ({ port: "COM3" })

        onAdd_two_finished: sum => {
            label.text = sum
            if (window.once) {
                console.info("the sum is " + sum)
                laser.power = 2.5 // a command: the child may refuse
                laser.set_power(7) // the same, with the number of the call
            }
        }
        onPower_set: watts => { if (window.once) console.info("the child confirms " + watts + " W") }
        onVoltage: volts => window.volts += 1
        onException_raised: exception => {
            status.text = exception.text
            if (window.once) {
                console.info(exception.text)
                laser.sweep(400, 500, 5)
            }
        }
        onSweep_finished: volts => {
            status.text = volts.length + " values"
            if (window.once) {
                console.info(volts.length + " values, " + window.volts + " on the way")
                laser.process.stop()
            }
        }

        process.onProgress: (call, fraction) => progress.value = fraction
        process.onFinished: exit => {
            status.text = exit.text
            if (window.once) {
                console.info(exit.text)
                Qt.quit()
            }
        }
    }

    ColumnLayout {
        anchors { fill: parent; margins: 20 }
        RowLayout {
            Button { text: "Add"; onClicked: laser.add_two(20, 22) }
            Label { id: label }
        }
        RowLayout {
            Label { text: laser.connected ? "on" : "off" }
            // Requests what the user sets, and shows what the child has confirmed: after a refusal
            // the value is unchanged and no signal is emitted.
            Slider {
                from: 0
                to: 8
                value: laser.power
                onMoved: laser.power = value
                onPressedChanged: if (!pressed) value = Qt.binding(() => laser.power)
            }
            Label { text: laser.power.toFixed(1) + " W" }
        }
        RowLayout {
            Button { text: "Sweep"; onClicked: laser.sweep(400, 500, 200) }
            Button { text: "Cancel"; onClicked: laser.process.cancel_all() }
            ProgressBar { id: progress; Layout.fillWidth: true }
        }
        RowLayout {
            Button { text: "Kill"; onClicked: laser.process.kill() }
            Button { text: "Restart"; onClicked: laser.process.restart() }
            Label { text: laser.process.name + " is " + laser.process.state }
        }
        // Text from a child is shown as it is.
        Label { id: status; textFormat: Text.PlainText; wrapMode: Text.Wrap; Layout.fillWidth: true }
    }

    Component.onCompleted: if (once) laser.add_two(20, 22)
}
