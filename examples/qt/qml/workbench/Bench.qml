import QtQuick
import QtQuick.Layouts
import Workbench 1.0

// The content of the window, and the three children behind it, whose exceptions it shows.
Rectangle {
    id: bench

    property string folder
    property var without: []

    readonly property alias calculator: adder
    readonly property alias digest: digester
    readonly property alias monitor: watcher
    readonly property alias addition: addition
    readonly property alias digestPanel: digestPanel
    readonly property alias load: load
    readonly property alias childrenPanel: childrenPanel
    readonly property alias exceptions: exceptions
    readonly property alias dialog: dialog

    function tell(exception) {
        exceptions.add(exception)
        dialog.show(exception)
    }

    color: Theme.window

    Calculator {
        id: adder
        process.name: "calculator"
        process.onFinished: exit => exceptions.addEnd(exit)
        onException_raised: exception => bench.tell(exception)
    }
    Digest {
        id: digester
        config: ({ without: bench.without })
        process.name: "digest"
        process.onFinished: exit => exceptions.addEnd(exit)
        onException_raised: exception => bench.tell(exception)
    }
    LoadMonitor {
        id: watcher
        process.name: "load monitor"
        process.onFinished: exit => exceptions.addEnd(exit)
        onException_raised: exception => bench.tell(exception)
    }

    ColumnLayout {
        anchors { fill: parent; margins: Theme.wide }
        spacing: Theme.gap

        RowLayout {
            spacing: Theme.gap
            Layout.fillWidth: true
            PlainText { text: "Workbench"; font { pixelSize: Theme.large; weight: Font.Bold } }
            PlainText {
                text: "three child processes, one window"
                color: Theme.dim
                topPadding: 5
                Layout.fillWidth: true
            }
            SmoothGauge {}
        }

        RowLayout {
            spacing: Theme.gap
            Layout.fillWidth: true
            Layout.fillHeight: true

            ColumnLayout {
                spacing: Theme.gap
                Layout.fillWidth: true
                Layout.fillHeight: true
                Layout.minimumWidth: 300
                LoadPanel {
                    id: load
                    monitor: watcher
                    Layout.fillWidth: true
                    Layout.fillHeight: true
                    Layout.preferredHeight: 36
                }
                DigestPanel {
                    id: digestPanel
                    digest: digester
                    folder: bench.folder
                    Layout.fillWidth: true
                    Layout.fillHeight: true
                    Layout.preferredHeight: 64
                }
            }
            ColumnLayout {
                spacing: Theme.gap
                Layout.fillHeight: true
                Layout.fillWidth: false
                Layout.minimumWidth: 400
                Layout.preferredWidth: Math.max(400, Math.min(560, bench.width * 0.4))
                AdditionPanel {
                    id: addition
                    calculator: adder
                    Layout.fillWidth: true
                }
                ChildrenPanel {
                    id: childrenPanel
                    calculator: adder
                    digest: digester
                    monitor: watcher
                    Layout.fillWidth: true
                }
                ExceptionsPanel {
                    id: exceptions
                    Layout.fillWidth: true
                    Layout.fillHeight: true
                }
            }
        }
    }

    ExceptionDialog { id: dialog }
}
