import QtQuick
import QtQuick.Controls.Basic

// A thin scroll bar, visible only if there is something to scroll.
ScrollBar {
    id: bar
    minimumSize: 0.06
    padding: 2
    contentItem: Rectangle {
        implicitWidth: 6
        radius: 3
        color: Theme.faint(Theme.dim, bar.pressed ? 0.8 : 0.45)
        visible: bar.size < 1
    }
}
