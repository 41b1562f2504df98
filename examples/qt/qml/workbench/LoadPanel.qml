import QtQuick
import QtQuick.Layouts

// The load of the machine, live, and the interval between samples, which the child confirms or
// refuses.
Card {
    id: panel

    required property QtObject monitor
    property real cpu: 0
    property real used: 0
    property real total: 0
    property int samples: 0
    property string refusal: ""

    readonly property alias plot: plot
    readonly property alias interval: interval
    readonly property alias setButton: set
    readonly property alias confirmed: confirmed

    function change() {
        panel.refusal = ""
        try {
            panel.monitor.set_interval_ms(Number(interval.text))
        } catch (error) {
            panel.refusal = error.message
        }
    }

    title: "Live load"
    beside: [
        Legend { colour: Theme.accent; name: "processors"; value: panel.cpu.toFixed(0) + " %" },
        Legend {
            colour: Theme.second
            name: "memory"
            value: panel.total > 0 ? Theme.bytes(panel.used) + " of " + Theme.bytes(panel.total) : "–"
        }
    ]

    Connections {
        target: panel.monitor
        function onSampled(cpu, used, total) {
            panel.cpu = cpu
            panel.used = used
            panel.total = total
            panel.samples += 1
            plot.add(cpu / 100, used / total)
        }
        function onCall_failed(call, name, error) {
            // A newer interval has replaced one that was still waiting.
            if (name === "set_interval_ms" && error.kind !== "superseded")
                panel.refusal = error.message
        }
    }

    MovingPlot {
        id: plot
        Layout.fillWidth: true
        Layout.fillHeight: true
        Layout.minimumHeight: 60
    }

    RowLayout {
        spacing: Theme.small
        Layout.fillWidth: true
        PlainText { text: "sample every"; color: Theme.dim; font.pixelSize: Theme.fine + 1 }
        Field {
            id: interval
            text: "50"
            wrong: panel.refusal !== ""
            implicitHeight: 26
            font.pixelSize: Theme.fine + 1
            horizontalAlignment: TextInput.AlignRight
            Layout.preferredWidth: 64
            onAccepted: panel.change()
        }
        PlainText { text: "ms"; color: Theme.dim; font.pixelSize: Theme.fine + 1 }
        ActionButton { id: set; text: "Set"; compact: true; onClicked: panel.change() }
        PlainText {
            id: confirmed
            text: panel.refusal !== "" ? panel.refusal
                : "confirmed: " + panel.monitor.interval_ms + " ms, " + rate(1000 / panel.monitor.interval_ms) + " a second"
            color: panel.refusal !== "" ? Theme.danger : Theme.dim
            font.pixelSize: Theme.fine + 1
            Layout.fillWidth: true
            horizontalAlignment: Text.AlignRight

            function rate(hertz) { return hertz >= 10 ? hertz.toFixed(0) : hertz.toFixed(1) }
        }
    }

    component Legend: Row {
        property color colour
        property string name
        property string value
        spacing: 6
        Rectangle { width: 10; height: 10; radius: 3; color: parent.colour; anchors.verticalCenter: parent.verticalCenter }
        PlainText { text: parent.name; color: Theme.dim; font.pixelSize: Theme.fine + 1 }
        PlainText { text: parent.value; font { pixelSize: Theme.fine + 1; weight: Font.DemiBold } }
    }
}
