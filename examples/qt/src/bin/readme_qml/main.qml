// The README's document, word for word.

import QtQuick
import QtQuick.Controls.Basic
import Lab 1.0

ApplicationWindow {
    visible: true

    Laser {
        id: laser
        onAdd_two_finished: sum => { label.text = sum; console.log(sum) }
        onException_raised: exception => console.warn(exception.text)
        process.onReady: add_two(1, 2)
        process.onFinished: exit => label.text = exit.text
    }
    Button { text: "Add"; onClicked: laser.add_two(20, 22) }
    Label { id: label; y: 50; text: laser.connected ? "on" : "off" }
}
