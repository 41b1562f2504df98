import QtQuick
import QtQuick.Controls.Basic
import QtTest
import Rigs 1.0

// A typical user's window: buttons call, labels show.
Item {
    id: window
    width: 400; height: 300

    Rig {
        id: rig
        onAdd_two_finished: sum => result.text = "Result: " + sum
        onException_raised: exception => trouble.text = exception.text
        process.onFinished: exit => trouble.text = exit.text
    }

    Column {
        spacing: 8
        SpinBox { id: first; value: 20 }
        SpinBox { id: second; value: 22 }
        Button { id: add; text: "Add"; onClicked: rig.add_two(first.value, second.value) }
        Label { id: result; text: "nothing yet" }
        Slider { id: slider; from: 0; to: 10; value: 1; onMoved: rig.power = value }
        Label { id: power; text: rig.power.toFixed(1) + " W" }
        Label { id: state; text: rig.process.state }
        Button { id: kill; text: "Kill"; enabled: rig.process.alive; onClicked: rig.process.kill() }
        Button { id: start; text: "Start"; enabled: !rig.process.alive; onClicked: rig.process.start() }
        Label { id: trouble; textFormat: Text.PlainText }
    }

    RigCase {
        name: "Window"

        function init() {
            if (!rig.process.alive)
                rig.process.start()
            tryCompare(state, "text", "running", soon)
            trouble.text = ""
            result.text = "nothing yet"
        }

        function test_a_button_adds() {
            mouseClick(add)
            tryCompare(result, "text", "Result: 42", soon)
            mouseClick(first.up.indicator)
            mouseClick(add)
            tryCompare(result, "text", "Result: " + (first.value + second.value), soon)
            compare(first.value, 21)
            first.value = 20
        }

        function test_a_slider_writes_and_a_label_shows_what_is_in_force() {
            mousePress(slider, slider.width / 2, slider.height / 2)
            mouseMove(slider, slider.width * 0.3, slider.height / 2)
            mouseRelease(slider, slider.width * 0.3, slider.height / 2)
            tryVerify(() => power.text === slider.value.toFixed(1) + " W", soon)
            verify(slider.value > 1 && slider.value < 5)
        }

        function test_kill_and_start() {
            mouseClick(kill)
            tryCompare(kill, "enabled", false, soon)
            tryCompare(state, "text", "finished", soon)
            tryVerify(() => trouble.text.indexOf("was killed") > 0, soon)
            mouseClick(add) // its call is not lost: it waits, or is reported as stopped
            mouseClick(start)
            tryCompare(state, "text", "running", soon)
            result.text = ""
            mouseClick(add)
            tryCompare(result, "text", "Result: 42", soon)
        }

        function test_keys() {
            add.forceActiveFocus()
            keyClick(Qt.Key_Space)
            tryCompare(result, "text", "Result: 42", soon)
        }
    }
}
