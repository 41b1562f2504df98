import QtQuick
import QtQuick.Controls.Basic
import QtTest
import Rigs 1.0

// A handler may run an event loop of its own: a dialog does, and so does a test's wait.
RigCase {
    id: test
    name: "Nested"
    width: 300; height: 200

    Component { id: logged; LoggedRig { } }

    function test_signals_go_on_in_a_loop_inside_a_handler() {
        const rig = createTemporaryObject(logged, test)
        let inside = ""
        rig.inside = {
            tick: number => {
                if (number === 1) {
                    tryVerify(() => rig.heard("ticked").length === 1, soon)
                    inside = "left after " + rig.heard("tick").length
                }
            },
        }
        rig.tick_away(100)
        tryVerify(() => inside !== "", soon)
        compare(inside, "left after 100")
        const ticks = rig.heard("tick")
        for (let i = 0; i < 100; ++i)
            compare(ticks[i], `tick ${i + 1} tick ${i + 1}`)
    }

    function test_the_rest_of_a_notice_goes_on_too() {
        const rig = createTemporaryObject(logged, test)
        let inside = ""
        rig.inside = {
            add_two_finished: () => {
                tryVerify(() => rig.heard("call_finished").length === 1, soon)
                inside = "left"
            },
        }
        rig.add_two(1, 2)
        tryVerify(() => inside === "left", soon)
        compare(rig.heard("call_finished").length, 1)
    }

    function test_an_exception_shown_by_a_dialog_that_waits() {
        const rig = createTemporaryObject(logged, test)
        let inside = ""
        rig.inside = {
            exception_raised: () => {
                tryVerify(() => rig.heard("call_failed").length === 1, soon)
                inside = "left"
            },
        }
        rig.fail("Error")
        tryVerify(() => inside === "left", soon)
    }

    function test_a_call_and_its_answer_inside_a_handler() {
        const rig = createTemporaryObject(logged, test)
        let inside = ""
        rig.inside = {
            ready: () => {
                rig.add_two(20, 22)
                tryVerify(() => rig.heard("add_two_finished").length === 1, soon)
                inside = "left"
            },
        }
        tryVerify(() => inside === "left", soon)
    }

    // The first handler uses up the time for which signals may occupy the GUI thread, so the rest
    // of the same notice comes in the next turn of the event loop, as the first thing.
    function test_a_loop_inside_a_handler_after_a_slow_one() {
        const rig = createTemporaryObject(logged, test)
        const other = createTemporaryObject(logged, test)
        tryVerify(() => other.heard("ready").length === 1, soon)
        let answered = ""
        rig.inside = {
            add_two_finished: () => { const end = Date.now() + 10; while (Date.now() < end); },
            call_finished: () => {
                other.nothing()
                for (let i = 0; i < soon / 50 && other.heard("nothing_done").length === 0; ++i)
                    wait(50)
                answered = other.heard("nothing_done").length === 1 ? "inside" : "too late"
            },
        }
        rig.add_two(1, 2)
        tryVerify(() => answered !== "", soon)
        compare(answered, "inside")
    }

    function test_three_deep() {
        const rig = createTemporaryObject(logged, test)
        let deepest = 0
        let depth = 0
        rig.inside = {
            add_two_finished: sum => {
                depth += 1
                deepest = Math.max(depth, deepest)
                if (sum < 3) {
                    rig.add_two(sum, 1)
                    tryVerify(() => rig.heard("add_two_finished").indexOf("add_two_finished 3") >= 0, soon)
                }
                depth -= 1
            },
        }
        rig.add_two(0, 1)
        tryVerify(() => rig.heard("add_two_finished").length === 3 && depth === 0, soon)
        compare(deepest, 3)
        compare(rig.heard("add_two_finished"),
                ["add_two_finished 1", "add_two_finished 2", "add_two_finished 3"])
    }

    function test_the_end_of_a_child_inside_a_handler() {
        const rig = createTemporaryObject(logged, test)
        let inside = ""
        rig.inside = {
            ready: () => {
                rig.process.kill()
                tryVerify(() => rig.heard("finished").length === 1, soon)
                inside = "left"
            },
        }
        tryVerify(() => inside === "left", soon)
        compare(rig.process.state, "finished")
    }

    Dialog {
        id: dialog
        modal: true
        standardButtons: Dialog.Ok
        property var exception: null
        title: exception ? exception.kind : ""
        Label { text: dialog.exception ? dialog.exception.text : ""; textFormat: Text.PlainText }
    }

    function test_a_dialog_opens_and_signals_go_on() {
        const rig = createTemporaryObject(logged, test)
        rig.exception_raised.connect(exception => { dialog.exception = exception; dialog.open() })
        rig.fail("Error")
        rig.tick_away(10)
        tryCompare(dialog, "opened", true, soon)
        tryVerify(() => rig.heard("ticked").length === 1, soon)
        compare(dialog.title, "raised")
        dialog.accept()
        tryCompare(dialog, "opened", false, soon)
    }
}
