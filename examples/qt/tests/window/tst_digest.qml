import QtQuick
import QtTest
import Workbench 1.0
import "../../qml/workbench"

// The digest panel: choosing a folder, progress, cancelling, failures, and its bounded table.
Item {
    width: 1200
    height: 760

    Invocation { id: called }
    Bench { id: bench; anchors.fill: parent }
    Bench { id: partial; without: ["b", "deeper"]; visible: false }
    FileTable { id: small; limit: 3; width: 400; height: 200 }
    SignalSpy { id: finished; target: bench.digest; signalName: "digest_finished" }
    SignalSpy { id: partialFinished; target: partial.digest; signalName: "digest_finished" }
    SignalSpy { id: progress; target: bench.digest.process; signalName: "progress" }

    TestCase {
        name: "Digest"
        when: windowShown

        readonly property int soon: 30000
        readonly property DigestPanel panel: bench.digestPanel
        // cd FOLDER && LC_ALL=C find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum
        readonly property string sha256: "c6f35ea443cf60e6c04cfaf08c8e5d9d305e1a5bb824903b9938d2869110aba7"

        function type(field, text) {
            mouseClick(field)
            field.selectAll()
            keyClick(Qt.Key_Delete)
            for (const letter of text)
                keyClick(letter)
        }

        function cleanup() {
            bench.digest.process.cancel_all()
            tryCompare(panel, "running", false, soon)
            bench.dialog.close()
            tryCompare(bench.dialog, "visible", false, soon)
        }

        function test_a_folder_that_is_typed_is_digested() {
            finished.clear()
            progress.clear()
            type(panel.path, called.folder + "/files")
            mouseClick(panel.startButton)
            tryCompare(finished, "count", 1, soon)
            compare(panel.outcome.text, sha256)
            compare(panel.summary.bytes, 6)
            compare(panel.fraction, 1)
            verify(!panel.running)
            verify(panel.startButton.visible)
            verify(!panel.cancelButton.visible)

            compare(panel.table.count, 4)
            const rows = [0, 1, 2, 3].map(index => panel.table.row(index))
            compare(rows.map(row => row.path), ["a", "b", "deeper/c", "none"])
            compare(rows.map(row => row.size), [1, 2, 3, 0])
            // printf 22 | sha256sum
            compare(rows[1].sha256, "785f3ec7eb32f30b90cd0fcf3657d388b5ff4297f2f9716ff66e9b69c05ddd09")
            compare(panel.table.view.count, 4)

            tryVerify(() => progress.count > 0, soon)
            compare(progress.signalArguments[progress.count - 1][1], 1)
            verify(panel.speed.visible)
        }

        function test_names_that_are_left_out_are_not_digested() {
            partial.digestPanel.folder = called.folder + "/files"
            partial.digestPanel.begin()
            tryCompare(partialFinished, "count", 1, soon)
            compare([0, 1].map(index => partial.digestPanel.table.row(index).path), ["a", "none"])
            compare(partial.digestPanel.table.count, 2)
        }

        function test_enter_digests_again_and_the_table_begins_anew() {
            type(panel.path, called.folder + "/files")
            for (let time = 0; time < 2; ++time) {
                finished.clear()
                keyClick(Qt.Key_Return)
                tryCompare(finished, "count", 1, soon)
                compare(panel.table.count, 4)
            }
        }

        function test_a_digest_shows_where_it_is_and_can_be_cancelled() {
            const before = bench.exceptions.total
            finished.clear()
            panel.folder = called.folder + "/endless"
            mouseClick(panel.startButton)
            tryCompare(panel, "running", true, soon)
            tryCompare(bench.digest, "current_file", "large", soon)
            tryVerify(() => bench.digest.mb_per_second > 0, soon)
            tryVerify(() => panel.fraction > 0, soon)
            verify(panel.fraction < 1)
            verify(panel.path.readOnly)

            mouseClick(panel.cancelButton)
            tryCompare(panel, "running", false, soon)
            compare(finished.count, 0)
            compare(panel.problem, "the command was cancelled")
            compare(panel.summary, undefined)
            // The user requested it.
            compare(bench.exceptions.total, before)
            verify(panel.startButton.visible)
            compare(bench.digest.process.state, "running")
        }

        function test_a_child_that_is_killed_takes_its_digest_along() {
            panel.folder = called.folder + "/endless"
            mouseClick(panel.startButton)
            tryVerify(() => panel.fraction > 0, soon)
            const row = bench.childrenPanel.digestRow
            const run = row.process.generation
            mouseClick(row.killButton)
            tryCompare(panel, "running", false, soon)
            verify(panel.problem.includes("SIGKILL"), panel.problem)
            tryCompare(row.process, "alive", false, soon)

            mouseClick(row.restartButton)
            tryCompare(row.process, "state", "running", soon)
            compare(row.process.generation, run + 1)
            finished.clear()
            panel.folder = called.folder + "/files"
            mouseClick(panel.startButton)
            tryCompare(finished, "count", 1, soon)
            compare(panel.outcome.text, sha256)
        }

        function test_a_folder_that_does_not_exist_is_reported() {
            const before = bench.exceptions.total
            panel.folder = called.folder + "/<i>missing</i>"
            mouseClick(panel.startButton)
            tryCompare(bench.exceptions, "total", before + 1, soon)
            tryCompare(panel, "running", false, soon)
            verify(panel.problem.includes("could not enter the folder"), panel.problem)
            verify(bench.exceptions.model.get(0).message.includes("<i>missing</i>"))
        }

        function test_the_table_is_bounded() {
            const files = (from, to) => {
                const rows = []
                for (let number = from; number <= to; ++number)
                    rows.push({ path: "file " + number, size: number, sha256: "00" })
                return rows
            }
            compare(small.more, 0)
            verify(!small.moreText.visible)
            small.add(files(1, 2))
            small.add(files(3, 5))
            small.add(files(6, 1006))
            compare(small.count, small.limit)
            compare([0, 1, 2].map(index => small.row(index).path), ["file 1", "file 2", "file 3"])
            compare(small.more, 1003)
            verify(small.moreText.visible)
            compare(small.moreText.text, "and " + Theme.number(1003) + " more")
            small.clear()
            compare([small.count, small.more], [0, 0])
            verify(!small.moreText.visible)
            small.add(files(1, 3))
            compare([small.count, small.more], [3, 0])
        }

        function encoded(path) { return path.split("/").map(encodeURIComponent).join("/") }

        function path(url) { return decodeURIComponent(String(url)).replace("file://", "") }

        function test_a_folder_is_chosen() {
            panel.folder = called.folder + "/files"
            mouseClick(panel.chooseButton)
            tryVerify(() => panel.chooser.item !== null, soon)
            tryVerify(() => panel.chooser.item.visible, soon)
            // It starts at the panel's folder.
            compare(path(panel.chooser.item.currentFolder), called.folder + "/files")
            panel.chooser.item.selectedFolder = "file://" + encoded(called.folder) + "/a%20%25%23%C3%BC"
            panel.chooser.item.accept()
            tryCompare(panel.path, "text", called.folder + "/a %#ü", soon)
            tryVerify(() => !panel.chooser.item.visible, soon)
        }
    }
}
