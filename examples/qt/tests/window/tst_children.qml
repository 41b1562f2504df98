import QtQuick
import QtTest
import Workbench 1.0
import "../../qml/workbench"

// The list of children: what a row shows, and its buttons, also for a child that hangs.
Item {
    width: 1200
    height: 760

    Bench { id: bench; anchors.fill: parent }
    TimerLateness { id: lateness; running: true }
    SignalSpy { id: panicked; target: bench.calculator; signalName: "exception_raised" }
    SignalSpy { id: ended; target: bench.calculator.process; signalName: "finished" }

    TestCase {
        name: "Children"
        when: windowShown

        readonly property int soon: 30000
        readonly property ChildrenPanel panel: bench.childrenPanel
        readonly property var rows: [panel.calculatorRow, panel.digestRow, panel.monitorRow]

        function init() {
            for (const row of rows) {
                if (!row.process.alive)
                    row.process.start()
                tryCompare(row.process, "state", "running", soon)
            }
            panicked.clear()
            ended.clear()
        }

        function cleanup() {
            bench.dialog.close()
            tryCompare(bench.dialog, "visible", false, soon)
        }

        function test_every_child_shows_its_number_run_and_memory() {
            const pids = rows.map(row => row.process.pid)
            compare(new Set(pids).size, 3)
            rows.forEach(shows)
        }

        function shows(row) {
            const shown = new RegExp("^pid " + row.process.pid + "  ·  run " + row.process.generation + "  ·  [0-9.]+ MB$")
            tryVerify(() => shown.test(row.details.text), soon, row.details.text)
        }

        function test_a_child_that_panics_goes_on() {
            const pid = bench.calculator.process.pid
            mouseClick(panel.panicButton)
            tryCompare(panicked, "count", 1, soon)
            compare(panicked.signalArguments[0][0].kind, "panicked")
            tryCompare(bench.dialog, "opened", true, soon)
            verify(bench.dialog.message.text.startsWith("the user wanted it"))
            compare(bench.calculator.process.pid, pid)
            compare(bench.calculator.process.state, "running")
        }

        function test_each_child_is_killed_and_started_again() {
            const before = bench.exceptions.total
            for (const row of rows) {
                const [run, pid] = [row.process.generation, row.process.pid]
                mouseClick(row.killButton)
                tryCompare(row.process, "alive", false, soon)
                tryCompare(row.process, "pid", 0, soon)
                tryVerify(() => row.details.text === row.process.exit.text, soon, row.details.text)
                compare(row.process.exit.code, -9)
                verify(row.process.exit.killed)
                tryVerify(() => bench.exceptions.model.count > 0
                          && bench.exceptions.model.get(0).message === row.process.exit.text, soon)
                compare(bench.exceptions.model.get(0).where, row.process.name)
                compare(bench.exceptions.model.get(0).kind, "killed")
                // The user requested it: no exception, and no dialog.
                compare(bench.exceptions.total, before)
                verify(!bench.dialog.visible)
                verify(!row.killButton.enabled)
                verify(!row.stopButton.enabled)

                compare(row.restartButton.text, "Start")
                mouseClick(row.restartButton)
                tryCompare(row.process, "state", "running", soon)
                compare(row.process.generation, run + 1)
                verify(row.process.pid !== pid)
                shows(row)
            }
        }

        function test_a_child_that_is_stopped_ends_in_order() {
            for (const row of rows) {
                mouseClick(row.stopButton)
                tryCompare(row.process, "alive", false, soon)
                compare(row.process.state, "finished")
                compare(row.process.exit.code, 0)
                verify(!row.process.exit.killed)
                compare(row.process.exit.cleanup, "ran")
                init()
            }
        }

        function test_a_restart_is_an_end_and_a_start() {
            const run = bench.calculator.process.generation
            mouseClick(panel.calculatorRow.restartButton)
            tryCompare(ended, "count", 1, soon)
            tryCompare(bench.calculator.process, "generation", run + 1, soon)
            tryCompare(bench.calculator.process, "state", "running", soon)
        }

        // The other parts of the window go on; the calls that wait for the child end with its end.
        function test_a_child_that_hangs_affects_no_other_and_can_be_killed() {
            mouseClick(panel.hangButton)
            tryVerify(() => panel.hanging !== 0, soon)
            verify(panel.calculatorRow.hangs)
            compare(panel.calculatorRow.stateText.text, "hangs")
            verify(!panel.hangButton.enabled)
            mouseClick(bench.addition.button)
            compare(bench.addition.waiting, 1)
            compare(bench.addition.result.text, "…")

            lateness.take()
            const samples = bench.load.samples
            tryVerify(() => bench.load.samples > samples + 20, soon)
            verify(lateness.take().count > 20)
            compare(bench.addition.waiting, 1)
            compare(bench.calculator.process.state, "running")

            mouseClick(panel.calculatorRow.killButton)
            tryCompare(panel, "hanging", 0, soon)
            tryCompare(bench.addition, "waiting", 0, soon)
            verify(!panel.calculatorRow.hangs)
            mouseClick(panel.calculatorRow.restartButton)
            tryCompare(bench.calculator.process, "state", "running", soon)
            bench.addition.sum = "?"
            mouseClick(bench.addition.button)
            tryCompare(bench.addition.result, "text", "42", soon)
        }

        // Its grace expires, then it is killed.
        function test_a_restart_gets_a_hanging_child_back_too() {
            const run = bench.calculator.process.generation
            mouseClick(panel.hangButton)
            tryVerify(() => panel.hanging !== 0, soon)
            mouseClick(panel.calculatorRow.restartButton)
            tryCompare(bench.calculator.process, "state", "stopping", soon)
            tryCompare(ended, "count", 1, soon)
            tryCompare(bench.calculator.process, "state", "running", soon)
            compare(bench.calculator.process.generation, run + 1)
            compare(panel.hanging, 0)
        }
    }
}
