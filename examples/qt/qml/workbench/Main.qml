import QtQuick
import QtQuick.Controls.Basic
import Workbench 1.0

// The window: the bench, and the self-drive where there is no user.
ApplicationWindow {
    id: window

    title: "Workbench"
    width: 1200
    height: 760
    minimumWidth: 900
    minimumHeight: 600
    visible: true
    color: Theme.window

    Invocation { id: called }

    Bench {
        id: workbench
        anchors.fill: parent
        folder: called.folder
        without: called.without
    }

    Loader {
        active: called.drives_itself
        sourceComponent: SelfDrive { bench: workbench; invocation: called }
    }
}
