import QtQuick
import QtQuick.Templates as T
import QtTest
import "../../qml/workbench"

// The exceptions panel and its one dialog: counting, closing, plain text, a failed start, the
// bounded list.
Item {
    id: root

    width: 1200
    height: 760

    Bench { id: bench; anchors.fill: parent }
    SignalSpy { id: opened; target: bench.dialog; signalName: "opened" }

    TestCase {
        name: "Exceptions"
        when: windowShown

        readonly property int soon: 30000
        readonly property ExceptionsPanel panel: bench.exceptions
        readonly property ExceptionDialog dialog: bench.dialog

        function cleanup() {
            dialog.close()
            tryCompare(dialog, "visible", false, soon)
            if (panel.clearButton.visible)
                mouseClick(panel.clearButton)
            compare(panel.total, 0)
            compare(panel.list.count, 0)
        }

        function popups() {
            const overlay = root.T.Overlay.overlay
            // The dimmed background is one of its children too.
            return Array.from(overlay.children).filter(child => child.visible && child.toString().includes("QQuickPopupItem")).length
        }

        function test_further_exceptions_are_counted_in_the_one_dialog() {
            opened.clear()
            mouseClick(bench.childrenPanel.panicButton)
            tryCompare(dialog, "opened", true, soon)
            compare(dialog.more.text, "")
            for (let time = 1; time <= 3; ++time)
                bench.calculator.panic("again, number " + time)
            tryCompare(dialog, "further", 3, soon)
            compare(opened.count, 1)
            compare(popups(), 1)
            compare(dialog.more.text, "and 3 more since, in the list")
            verify(dialog.message.text.startsWith("the user wanted it"))
            compare(panel.total, 4)
            compare(panel.list.count, 4)
            verify(panel.model.get(0).message.startsWith("again, number 3"))
            verify(panel.model.get(3).message.startsWith("the user wanted it"))
        }

        function test_the_dialog_is_closed_and_opens_anew() {
            for (const close of [() => mouseClick(dialog.closeButton), () => keyClick(Qt.Key_Escape), () => keyClick(Qt.Key_Return)]) {
                bench.calculator.panic("once more")
                tryCompare(dialog, "opened", true, soon)
                compare(dialog.further, 0)
                close()
                tryCompare(dialog, "visible", false, soon)
                compare(popups(), 0)
            }
        }

        // Text from a child is shown, not interpreted.
        function test_a_child_cannot_use_markup() {
            const markup = "<b>bold</b> <img src='http://localhost/x.png'>"
            bench.calculator.panic(markup)
            tryCompare(dialog, "opened", true, soon)
            verify(dialog.message.text.startsWith(markup))
            compare(dialog.message.textFormat, Text.PlainText)
            const entry = panel.list.itemAtIndex(0)
            const texts = []
            const look = item => {
                if (item.textFormat !== undefined)
                    texts.push(item)
                Array.from(item.children).forEach(look)
            }
            look(entry)
            verify(texts.some(text => text.text.startsWith(markup)))
            verify(texts.every(text => text.textFormat === Text.PlainText))
        }

        // The digest cannot read such a config, so its child is not even started.
        Component { id: another; Bench { without: 42 } }

        function test_a_child_that_does_not_start_is_reported_once() {
            const other = createTemporaryObject(another, root)
            tryCompare(other.dialog, "opened", true, soon)
            compare(other.dialog.exception.process, "digest")
            compare(other.dialog.exception.kind, "start_failed")
            verify(other.dialog.message.text.includes("config"), other.dialog.message.text)
            tryCompare(other.calculator.process, "state", "running", soon)
            compare(other.exceptions.total, 1)
            compare(other.dialog.further, 0)
            other.dialog.close()
        }

        function test_the_list_is_bounded() {
            for (let time = 0; time < panel.limit + 5; ++time)
                panel.add({ process: "p", command: "c", kind: "raised", message: "number " + time })
            compare(panel.list.count, panel.limit)
            compare(panel.total, panel.limit + 5)
            compare(panel.model.get(0).message, "number " + (panel.limit + 4))
        }
    }
}
