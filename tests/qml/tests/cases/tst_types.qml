import QtQuick
import QtTest
import Rigs 1.0

// Sends every type to the child and back, as argument, result and property; what does not fit, or
// has no form in QML, is reported.
RigCase {
    id: test
    name: "Types"

    property var got: null

    Types {
        id: types
        onNarrow: (...values) => test.got = values
        onWide: (...values) => test.got = values
        onFloats: (...values) => test.got = values
        onTexts: (...values) => test.got = values
        onBytes: (...values) => test.got = values
        onMode: (...values) => test.got = values
        onOptions: (...values) => test.got = values
        onNested: (...values) => test.got = values
        onOthers: (...values) => test.got = values
        onWilling: (...values) => test.got = values
        onBulk: (...values) => test.got = values
        onConjured: test.got = "conjured"
        onCall_failed: (call, name, error) => test.got = error
    }
    Rig { id: rig; onNumbers_echoed: (...values) => test.got = values }

    function sent(method, ...args) {
        got = null
        types[method](...args)
        tryVerify(() => got !== null, soon)
        return got
    }

    function thrown(method, ...args) {
        try { types[method](...args) } catch (e) { return e.name + ": " + e.message }
        return "nothing was thrown"
    }

    function bytes(...values) {
        return new Uint8Array(values).buffer
    }

    function list(buffer) {
        verify(buffer instanceof ArrayBuffer, Object.prototype.toString.call(buffer))
        return Array.from(new Uint8Array(buffer))
    }

    function test_narrow_integers_at_their_edges() {
        compare(sent("echo_narrow", -128, -32768, 0, 0), [-128, -32768, 0, 0])
        compare(sent("echo_narrow", 127, 32767, 255, 65535), [127, 32767, 255, 65535])
        verify(thrown("echo_narrow", 128, 0, 0, 0).endsWith("`a`: invalid value: integer `128`, expected i8"))
        verify(thrown("echo_narrow", 0, -32769, 0, 0).endsWith("integer `-32769`, expected i16"))
        verify(thrown("echo_narrow", 0, 0, 256, 0).endsWith("integer `256`, expected u8"))
        verify(thrown("echo_narrow", 0, 0, 0, 65536).endsWith("integer `65536`, expected u16"))
        for (const value of got)
            compare(typeof value, "number")
    }

    function test_numbers_at_their_edges() {
        got = null
        rig.echo_numbers(true, 255, -2147483648, 4294967295, -9007199254740991, 9007199254740991, 0.5, 1e300)
        tryVerify(() => got !== null, soon)
        compare(got, [true, 255, -2147483648, 4294967295, -9007199254740991, 9007199254740991, 0.5, 1e300])
        got = null
        rig.echo_numbers(false, 0, 2147483647, 0, 0, 0, -0.5, -1e-300)
        tryVerify(() => got !== null, soon)
        compare(got, [false, 0, 2147483647, 0, 0, 0, -0.5, -1e-300])
    }

    function test_wide_integers_data() {
        const exact = Math.pow(2, 53)
        return [
            { tag: "exact", values: [-exact, exact, exact, exact] },
            { tag: "zero", values: [0, 0, 0, 0] },
            { tag: "beyond 2^53, even", values: [exact + 2, exact + 2, -exact - 2, exact * 4] },
            { tag: "smallest", values: [-Math.pow(2, 63), 0, -Math.pow(2, 63), 0] },
            { tag: "2^63", values: [0, Math.pow(2, 63), 0, Math.pow(2, 63)] },
            { tag: "largest double", values: [Math.pow(2, 63) - 1024, Math.pow(2, 64) - 2048, 0, 0] },
        ]
    }

    function test_wide_integers(data) {
        compare(sent("echo_wide", ...data.values), data.values)
    }

    function test_wide_integers_that_do_not_fit() {
        verify(thrown("echo_wide", Math.pow(2, 63), 0, 0, 0).endsWith("expected i64"))
        verify(thrown("echo_wide", -Math.pow(2, 63) - 4096, 0, 0, 0).endsWith("expected i64"))
        verify(thrown("echo_wide", 0, Math.pow(2, 64), 0, 0).endsWith("expected u64"))
        verify(thrown("echo_wide", 0, -1, 0, 0).endsWith("expected u64"))
        verify(thrown("echo_wide", 0.5, 0, 0, 0).endsWith("expected i64"))
    }

    function test_floats() {
        compare(sent("echo_floats", 0.5, 0.1), [0.5, 0.1])
        compare(sent("echo_floats", 3, -7), [3, -7])
        const infinite = sent("echo_floats", Infinity, -Infinity)
        compare(infinite, [Infinity, -Infinity])
        const nan = sent("echo_floats", NaN, NaN)
        verify(Number.isNaN(nan[0]) && Number.isNaN(nan[1]))
        const zero = sent("echo_floats", -0, -0)
        verify(Object.is(zero[0], -0) && Object.is(zero[1], -0))
        // The nearest single-precision value.
        compare(sent("echo_floats", 0.1, 0)[0], Math.fround(0.1))
    }

    function test_texts_data() {
        return [
            { tag: "empty", text: "", letter: "x" },
            { tag: "umlauts", text: "Grüße, Ω ≠ µ", letter: "ß" },
            { tag: "emoji", text: "a😀b", letter: "😀" },
            { tag: "NUL inside", text: "a\u0000b", letter: "\u0000" },
            { tag: "markup", text: "<b>&amp;</b>", letter: "<" },
            { tag: "line ends", text: "a\r\nb\tc", letter: "\n" },
            { tag: "long", text: "x".repeat(300000), letter: "y" },
        ]
    }

    function test_texts(data) {
        const [text, letter] = sent("echo_texts", data.text, data.letter)
        verify(text === data.text)
        compare(typeof text, "string")
        verify(letter === data.letter)
    }

    function test_a_lone_surrogate_is_no_text_and_no_crash() {
        const outcome = thrown("echo_texts", "a\ud800b", "x")
        verify(outcome === "nothing was thrown" || outcome.startsWith("TypeError"), outcome)
        verify(thrown("echo_texts", "x", "two").startsWith("TypeError: TypesObject.echo_texts: argument `letter`"))
    }

    function test_bytes() {
        const [plain, raw] = sent("echo_bytes", bytes(0, 1, 255), bytes(7))
        compare(list(plain), [0, 1, 255])
        compare(list(raw), [7])
        const [nothing, none] = sent("echo_bytes", new ArrayBuffer(0), new ArrayBuffer(0))
        compare(list(nothing), [])
        compare(list(none), [])
        // A list of numbers is a list of bytes where serde expects one.
        compare(list(sent("echo_bytes", [1, 2], bytes(1))[0]), [1, 2])
        verify(thrown("echo_bytes", [1, 256], bytes(1)).endsWith("expected u8"))
        verify(thrown("echo_bytes", "text", bytes(1)).startsWith("TypeError: TypesObject.echo_bytes: argument `bytes`"))
        verify(thrown("echo_bytes", bytes(1), 5).startsWith("TypeError: TypesObject.echo_bytes: argument `raw`"))
    }

    function test_bulk() {
        const [bulk] = sent("make_bulk", 3000000)
        compare(bulk.byteLength, 3000000)
        const view = new Uint8Array(bulk)
        compare(view[0], 0)
        compare(view[255], 255)
        compare(view[2999999], 2999999 % 256)
        const [back] = sent("echo_bytes", bulk, bytes())
        compare(back.byteLength, 3000000)
    }

    function test_enums() {
        compare(sent("echo_mode", "Off"), ["Off"])
        compare(sent("echo_mode", { Gain: 0.5 })[0].Gain, 0.5)
        compare(sent("echo_mode", { Gain: 2 })[0].Gain, 2)
        compare(sent("echo_mode", { Pair: [1, "a"] })[0].Pair, [1, "a"])
        const window = sent("echo_mode", { Window: { from: -1, to: 2 } })[0].Window
        compare(window.from, -1)
        compare(window.to, 2)
        compare(sent("echo_mode", { Window: { from: -1 } })[0].Window.to, null)
        for (const [wrong, why] of [
            ["Gain", "invalid type: "], [{ Off: 1, Gain: 2 }, "one entry"], [{}, "one entry"], [5, "invalid type: "],
            [{ Pair: [1] }, "invalid length 1"], [{ Pair: [1, "a", 2] }, "1 more elements"],
            [{ Window: { to: 1 } }, "missing field `from`"], ["off", "unknown variant `off`"],
        ]) {
            const message = thrown("echo_mode", wrong)
            verify(message.startsWith("TypeError: TypesObject.echo_mode: argument `mode`: "), message)
            verify(message.indexOf(why) > 0, JSON.stringify(wrong) + ": " + message)
        }
    }

    function test_options() {
        let [number, sample, unit] = sent("echo_options", 5, { name: "a", volts: [] }, null)
        compare(number, 5)
        compare(sample.name, "a")
        verify(sample.note === null)
        verify(unit === null)
        ;[number, sample, unit] = sent("echo_options", null, null, undefined)
        verify(number === null && sample === null && unit === null)
        ;[number, sample, unit] = sent("echo_options", undefined, undefined, null)
        verify(number === null && sample === null && unit === null)
        verify(thrown("echo_options", null, null, 5).startsWith("TypeError: TypesObject.echo_options: argument `unit`"))
    }

    function test_nested() {
        const samples = [
            { name: "a", volts: [1, 2.5], note: "n" },
            { name: "b", volts: [], note: null },
        ]
        const [back, byChannel, pair] = sent("echo_nested", samples, { 3: [1, null], 200: [] }, [7, "x"])
        verify(Array.isArray(back))
        compare(back.length, 2)
        compare(back[0].volts, [1, 2.5])
        compare(back[0].note, "n")
        compare(back[1].note, null)
        compare(Object.keys(byChannel).sort(), ["200", "3"])
        compare(byChannel[3], [1, null])
        compare(byChannel["200"], [])
        compare(pair, [7, "x"])
        verify(thrown("echo_nested", [{ name: "a", volts: ["x"] }], {}, [1, ""]).indexOf("string \"x\", expected f64") > 0)
        verify(thrown("echo_nested", [], { 256: [] }, [1, ""]).indexOf("expected u8") > 0)
        verify(thrown("echo_nested", [], { x: [] }, [1, ""]).indexOf("expected u8") > 0)
        verify(thrown("echo_nested", [], {}, [1]).indexOf("argument `pair`") > 0)
        verify(thrown("echo_nested", [], {}, [1, "", 3]).indexOf("argument `pair`") > 0)
    }

    function test_others() {
        const tree = { name: "root", branches: [{ name: "leaf" }, { name: "twig", branches: [{ name: "bud" }] }] }
        const [volts, time, back] = sent("echo_others", 1.5, { secs: 2, nanos: 5 }, tree)
        compare(volts, 1.5)
        compare(time.secs, 2)
        compare(time.nanos, 5)
        compare(back.branches[1].branches[0].name, "bud")
        compare(back.branches[0].branches, [])
    }

    function test_a_tree_that_contains_itself_is_refused() {
        const tree = { name: "root", branches: [] }
        tree.branches.push(tree)
        const message = thrown("echo_others", 1, { secs: 0, nanos: 0 }, tree)
        verify(message.startsWith("TypeError: TypesObject.echo_others: argument `tree`: "), message)
        let deep = { name: "leaf" }
        for (let i = 0; i < 40; ++i)
            deep = { name: "n", branches: [deep] }
        verify(sent("echo_others", 1, { secs: 0, nanos: 0 }, deep)[2].branches[0].name === "n")
    }

    function test_objects_of_javascript_that_are_no_plain_ones() {
        class Point { constructor() { this.name = "p"; this.volts = [1] } get note() { return "hidden" } }
        compare(sent("echo_nested", [new Point()], {}, [1, ""])[0][0].name, "p")
        const frozen = Object.freeze({ name: "f", volts: Object.freeze([1]) })
        compare(sent("echo_nested", [frozen], {}, [1, ""])[0][0].name, "f")
        const sparse = [1, , 3]
        verify(thrown("echo_nested", [{ name: "s", volts: sparse }], {}, [1, ""]).indexOf("undefined") > 0)
        compare(sent("echo_nested", [{ name: "x", volts: [1], extra: () => 1 }], {}, [1, ""])[0][0].name, "x")
    }

    function test_received_values_can_be_sent_back() {
        const first = sent("echo_nested", [{ name: "a", volts: [1, 2] }], { 1: [2, null] }, [3, "b"])
        const second = sent("echo_nested", ...first)
        compare(second[0][0].volts, [1, 2])
        compare(second[1][1], [2, null])
        compare(second[2], [3, "b"])
        const mode = sent("echo_mode", { Window: { from: 1, to: null } })[0]
        compare(sent("echo_mode", mode)[0].Window.from, 1)
    }

    function test_a_value_that_cannot_be_sent_ends_its_call() {
        compare(sent("take", { panics: false }), [true])
        got = null
        const call = thrown("take", { panics: true })
        if (call === "nothing was thrown") {
            tryVerify(() => got !== null, soon)
            compare(got.kind, "encode")
        }
        compare(sent("echo_mode", "Off"), ["Off"])
        compare(types.process.state, "running")
    }

    function test_signals_without_a_listener_are_not_converted() {
        failOnWarning(/has no form in QML/)
        compare(sent("conjure"), "conjured")
    }

    function test_a_value_without_qml_form_is_a_warning_and_undefined() {
        let formless = null
        const hear = value => formless = [value]
        ignoreWarning(/has no form in QML: it is formless/)
        types.appeared.connect(hear)
        compare(sent("conjure"), "conjured")
        compare(formless, [undefined])
        types.appeared.disconnect(hear)
    }

    function test_properties_data() {
        return [
            { tag: "flag", values: [true, false], wrong: 1, why: "invalid type: integer `1`, expected a boolean" },
            { tag: "count", values: [-5, 9007199254740991], wrong: 0.5, why: "invalid type: floating point `0.5`, expected i64" },
            { tag: "text", values: ["ä", ""], wrong: 5, why: "invalid type: integer `5`, expected a string" },
            { tag: "list", values: [[1, 0.5], []], wrong: [null], why: "invalid type: null, expected f64" },
            { tag: "maybe", values: [5, null], wrong: "x", why: "invalid type: string \"x\", expected i32" },
            { tag: "state", values: ["Off"], wrong: "on", why: "unknown variant `on`" },
        ]
    }

    function test_properties(data) {
        const name = data.tag
        for (const value of data.values) {
            types[name] = value
            tryVerify(() => JSON.stringify(types[name]) === JSON.stringify(value), soon,
                      `${name}: ${JSON.stringify(types[name])} is not ${JSON.stringify(value)}`)
        }
        const before = JSON.stringify(types[name])
        ignoreWarning(new RegExp(`.*QML Types: TypesObject\\.${name}: ${data.why}.*`))
        types[name] = data.wrong
        compare(JSON.stringify(types[name]), before)
        const message = thrown("set_" + name, data.wrong)
        verify(message.startsWith(`TypeError: TypesObject.set_${name}: argument \`${name}\`: ${data.why}`), message)
    }

    function test_properties_of_bytes_and_enums() {
        let told = null
        types.blob_changed.connect(blob => told = blob)
        types.blob = bytes(1, 2)
        tryVerify(() => told !== null, soon)
        compare(list(told), [1, 2])
        compare(list(types.blob), [1, 2])
        types.state = { Gain: 0.5 }
        tryVerify(() => types.state.Gain === 0.5, soon)
    }
}
