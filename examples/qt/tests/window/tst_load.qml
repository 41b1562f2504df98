import QtQuick
import QtTest
import "../../qml/workbench"

// The load plot: samples, lines, and the interval, which the child confirms or refuses.
Item {
    width: 1200
    height: 860

    Bench { id: bench; width: 1200; height: 760 }
    MovingPlot { id: plot; y: 760; width: 400; height: 100; span: 10000; firstColour: "#ff0000"; secondColour: "#00a000" }
    SignalSpy { id: sampled; target: bench.monitor; signalName: "sampled" }

    TestCase {
        name: "Load"
        when: windowShown

        readonly property int soon: 30000
        readonly property LoadPanel panel: bench.load

        function init() {
            panel.monitor.interval_ms = 50
            tryCompare(panel.monitor, "interval_ms", 50, soon)
            bench.dialog.close()
            tryCompare(bench.dialog, "visible", false, soon)
        }

        function type(text) {
            mouseClick(panel.interval)
            panel.interval.selectAll()
            keyClick(Qt.Key_Delete)
            for (const letter of text)
                keyClick(letter)
        }

        function set(text) {
            type(text)
            mouseClick(panel.setButton)
        }

        function test_samples_come_and_are_plotted() {
            sampled.clear()
            const painted = panel.plot.painted
            tryVerify(() => sampled.count >= 10, soon)
            for (const [cpu, used, total] of sampled.signalArguments) {
                verify(cpu >= 0 && cpu <= 100)
                verify(used > 0 && used <= total)
            }
            verify(panel.plot.count >= 10)
            tryVerify(() => panel.plot.painted > painted + 5, soon)
        }

        // Checks the position of the lines: the heights are known, and so is the place of the
        // newest value.
        function test_the_lines_are_seen() {
            plot.add(0.75, 0.25)
            tryVerify(() => { plot.add(0.75, 0.25); return plot.points[0][0] < Date.now() - 1500 }, soon)
            const painted = plot.painted
            plot.add(0.75, 0.25)
            tryVerify(() => plot.painted > painted, soon)
            const image = grabImage(plot)
            compare(heights(image, image.width - 3, plot.firstColour), 25)
            compare(heights(image, image.width - 3, plot.secondColour), 75)
            compare(heights(image, 365, plot.firstColour), 25)
            // Ten seconds are shown, and there are not yet that many values.
            compare(heights(image, 2, plot.firstColour), -1)
        }

        // The height in percent, rounded to five, or -1 if the line is absent.
        function heights(image, x, colour) {
            let [sum, count] = [0, 0]
            for (let y = 0; y < image.height; ++y) {
                const pixel = image.pixel(x, y)
                const off = Math.abs(pixel.r - colour.r) + Math.abs(pixel.g - colour.g) + Math.abs(pixel.b - colour.b)
                if (off < 0.6) {
                    sum += y
                    count += 1
                }
            }
            return count === 0 ? -1 : 5 * Math.round(100 * sum / count / image.height / 5)
        }

        function test_the_past_leaves_at_the_left() {
            panel.plot.span = 300
            tryVerify(() => {
                const points = panel.plot.points
                return points.length > 3 && points[points.length - 1][0] - points[1][0] <= 300
            }, soon)
            panel.plot.span = 15000
        }

        function test_an_interval_is_shown_when_the_child_confirms_it() {
            type("30")
            tryCompare(panel.confirmed, "text", "confirmed: 50 ms, 20 a second", soon)
            set("20")
            tryCompare(panel.monitor, "interval_ms", 20, soon)
            tryCompare(panel.confirmed, "text", "confirmed: 20 ms, 50 a second", soon)
            compare(panel.refusal, "")
        }

        function test_an_interval_out_of_bounds_is_refused_by_the_child() {
            const before = bench.exceptions.total
            set("9")
            tryVerify(() => panel.refusal !== "", soon)
            verify(panel.confirmed.text.includes("9 ms is not between 10 and 5000 ms"), panel.confirmed.text)
            compare(panel.monitor.interval_ms, 50)
            compare(bench.exceptions.total, before + 1)
            compare(bench.exceptions.model.get(0).where, "load monitor.set_interval_ms")
        }

        function test_unparsable_text_does_not_reach_the_child() {
            const before = bench.exceptions.total
            set("often")
            verify(panel.confirmed.text.includes("interval_ms"), panel.confirmed.text)
            verify(panel.interval.wrong)
            compare(panel.monitor.interval_ms, 50)
            compare(bench.exceptions.total, before)
        }
    }
}
