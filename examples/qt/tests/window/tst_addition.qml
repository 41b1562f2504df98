import QtQuick
import QtTest
import "../../qml/workbench"

// The addition panel: its button and keys, text that is no number, and a sum that does not fit.
Item {
    width: 1200
    height: 760

    Bench { id: bench; anchors.fill: parent }
    SignalSpy { id: added; target: bench.calculator; signalName: "add_two_finished" }

    TestCase {
        name: "Addition"
        when: windowShown

        readonly property int soon: 30000
        readonly property AdditionPanel panel: bench.addition

        function type(field, text) {
            mouseClick(field)
            field.selectAll()
            keyClick(Qt.Key_Delete)
            for (const letter of text)
                keyClick(letter)
        }

        function test_the_button_adds() {
            added.clear()
            type(panel.first, "3")
            type(panel.second, "-7")
            mouseClick(panel.button)
            tryCompare(panel.result, "text", "-4", soon)
            compare(added.count, 1)
            compare(added.signalArguments[0][0], -4)
            compare(panel.waiting, 0)
        }

        function test_enter_adds() {
            type(panel.first, "1000")
            type(panel.second, "1")
            keyClick(Qt.Key_Return)
            tryCompare(panel.result, "text", "1001", soon)
        }

        function test_tab_goes_from_number_to_number_to_the_button() {
            mouseClick(panel.first)
            verify(panel.first.activeFocus)
            keyClick(Qt.Key_Tab)
            verify(panel.second.activeFocus)
            keyClick(Qt.Key_Tab)
            verify(panel.button.activeFocus)
            type(panel.first, "5")
            type(panel.second, "6")
            keyClick(Qt.Key_Tab)
            keyClick(Qt.Key_Space)
            tryCompare(panel.result, "text", "11", soon)
        }

        function test_unparsable_text_is_not_added() {
            type(panel.first, "4")
            for (const text of ["", "-", "x"]) {
                type(panel.second, text)
                verify(!panel.button.enabled, text)
                added.clear()
                keyClick(Qt.Key_Return)
                panel.add()
                compare(panel.waiting, 0)
            }
            type(panel.second, "4")
            verify(panel.button.enabled)
        }

        function test_a_sum_that_does_not_fit_is_an_exception() {
            const before = bench.exceptions.total
            type(panel.first, "2147483647")
            type(panel.second, "1")
            mouseClick(panel.button)
            tryCompare(bench.exceptions, "total", before + 1, soon)
            tryCompare(panel.result, "text", "–", soon)
            compare(bench.exceptions.model.get(0).kind, "raised")
            tryCompare(bench.dialog, "opened", true, soon)
            bench.dialog.close()
            tryCompare(bench.dialog, "visible", false, soon)
        }
    }
}
