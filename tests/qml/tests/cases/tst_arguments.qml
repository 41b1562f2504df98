import QtQuick
import QtTest
import Rigs 1.0

// A value that does not fit is a TypeError that names method, argument and type; nothing is sent.
RigCase {
    id: test
    name: "Arguments"

    Rig { id: rig }
    SignalSpy { id: added; target: rig; signalName: "add_two_finished" }
    SignalSpy { id: values; target: rig; signalName: "values_echoed" }

    readonly property var sample: ({ name: "a", volts: [1, 2.5] })

    function thrown(what) {
        try {
            what()
        } catch (e) {
            return (e instanceof TypeError ? "TypeError: " : "not a TypeError: ") + e.message
        }
        return "nothing was thrown"
    }

    function test_a_number_that_does_not_fit_data() {
        return [
            { tag: "text", value: "x", why: "invalid type: string \"x\", expected i32" },
            { tag: "text of a number", value: "5", why: "invalid type: string \"5\", expected i32" },
            { tag: "fraction", value: 5.5, why: "invalid type: floating point `5.5`, expected i32" },
            { tag: "too large", value: 2147483648, why: "invalid value: integer `2147483648`, expected i32" },
            { tag: "too small", value: -2147483649, why: "invalid value: integer `-2147483649`, expected i32" },
            { tag: "undefined", value: undefined, why: "invalid type: undefined, expected i32" },
            { tag: "null", value: null, why: "invalid type: null, expected i32" },
            { tag: "bool", value: true, why: "invalid type: boolean `true`, expected i32" },
            { tag: "object", value: ({}), why: "invalid type: map, expected i32" },
            { tag: "array", value: [1], why: "invalid type: sequence, expected i32" },
            { tag: "NaN", value: NaN, why: "invalid type: floating point `NaN`, expected i32" },
            { tag: "infinite", value: Infinity, why: "invalid type: floating point `inf`, expected i32" },
        ]
    }

    function test_a_number_that_does_not_fit(data) {
        added.clear()
        compare(thrown(() => rig.add_two(data.value, 1)),
                "TypeError: RigObject.add_two: argument `num1`: " + data.why)
        compare(thrown(() => rig.add_two(1, data.value)),
                "TypeError: RigObject.add_two: argument `num2`: " + data.why)
        rig.add_two(2, 3)
        tryCompare(added, "count", 1, soon)
        compare(added.signalArguments[0][0], 5)
    }

    function test_other_things_are_refused_data() {
        return [
            { tag: "function", value: () => 1 },
            { tag: "object of Qt", value: test },
            { tag: "symbol", value: Symbol("x") },
            { tag: "date", value: new Date(0) },
            { tag: "regular expression", value: /x/ },
            { tag: "Map", value: new Map([[1, 2]]) },
            { tag: "bytes", value: new ArrayBuffer(4) },
            { tag: "typed array", value: new Uint8Array(4) },
            { tag: "proxy", value: new Proxy({}, {}) },
        ]
    }

    function test_other_things_are_refused(data) {
        const message = thrown(() => rig.add_two(data.value, 1))
        verify(message.startsWith("TypeError: RigObject.add_two: argument `num1`: "), message)
        verify(message.endsWith(", expected i32"), message)
    }

    function test_a_getter_that_throws_is_an_error_of_its_caller() {
        const trap = { get name() { throw new Error("a trap") }, volts: [] }
        const message = thrown(() => rig.echo_values("t", new ArrayBuffer(0), trap, null, {}))
        verify(message !== "nothing was thrown", message)
        added.clear()
        rig.add_two(2, 3)
        tryCompare(added, "count", 1, soon)
    }

    function test_unsigned_and_narrow_numbers_data() {
        return [
            { tag: "u8 high", index: 1, value: 256, why: "small`: invalid value: integer `256`, expected u8" },
            { tag: "u8 low", index: 1, value: -1, why: "small`: invalid value: integer `-1`, expected u8" },
            { tag: "u32 high", index: 3, value: 4294967296, why: "unsigned`: invalid value: integer `4294967296`, expected u32" },
            { tag: "u32 low", index: 3, value: -1, why: "unsigned`: invalid value: integer `-1`, expected u32" },
            { tag: "i64 high", index: 4, value: Math.pow(2, 64), why: "expected i64" },
            { tag: "u64 low", index: 5, value: -1, why: "large`: invalid value: integer `-1`, expected u64" },
            { tag: "bool", index: 0, value: 1, why: "yes`: invalid type: integer `1`, expected a boolean" },
            { tag: "f64", index: 7, value: "1.5", why: "double`: invalid type: string \"1.5\", expected f64" },
        ]
    }

    function test_unsigned_and_narrow_numbers(data) {
        const args = [true, 1, 2, 3, 4, 5, 6, 7]
        args[data.index] = data.value
        const message = thrown(() => rig.echo_numbers(...args))
        verify(message.startsWith("TypeError: RigObject.echo_numbers: argument `"), message)
        verify(message.endsWith(data.why), message)
    }

    function test_structs_that_do_not_fit_data() {
        return [
            { tag: "field missing", value: { name: "a" }, why: "missing field `volts`" },
            { tag: "field of a wrong type", value: { name: 5, volts: [] }, why: "name: invalid type: integer `5`, expected a string" },
            { tag: "element of a wrong type", value: { name: "a", volts: [1, "x"] }, why: "volts: invalid type: string \"x\", expected f64" },
            { tag: "no object", value: 5, why: "invalid type: integer `5`, expected struct Sample" },
            { tag: "null", value: null, why: "invalid type: null, expected struct Sample" },
            { tag: "undefined", value: undefined, why: "invalid type: undefined, expected struct Sample" },
        ]
    }

    function test_structs_that_do_not_fit(data) {
        compare(thrown(() => rig.echo_values("t", new ArrayBuffer(1), data.value, 1, {})),
                "TypeError: RigObject.echo_values: argument `sample`: " + data.why)
    }

    function test_an_object_that_contains_itself_is_refused() {
        const cyclic = { name: "a", volts: [] }
        cyclic.note = cyclic
        const message = thrown(() => rig.echo_values("t", new ArrayBuffer(1), cyclic, 1, {}))
        verify(message.startsWith("TypeError: RigObject.echo_values: argument `sample`: "), message)
        const ring = []
        ring.push(ring)
        const other = thrown(() => rig.echo_values("t", new ArrayBuffer(1), { name: "a", volts: ring }, 1, {}))
        verify(other.startsWith("TypeError: RigObject.echo_values: argument `sample`: "), other)
    }

    function test_maps_and_enums_that_do_not_fit() {
        verify(thrown(() => rig.echo_values("t", new ArrayBuffer(1), sample, 1, { a: 1 }))
            .endsWith("argument `by_name`: a: invalid type: integer `1`, expected a boolean"))
        verify(thrown(() => rig.echo_values("t", new ArrayBuffer(1), sample, "x", {}))
            .endsWith("argument `maybe`: invalid type: string \"x\", expected i32"))
        verify(thrown(() => rig.fail("Nonsense"))
            .endsWith("argument `fault`: unknown variant `Nonsense`, expected one of `Error`, `Panic`, `Abort`, `Exit`"))
        verify(thrown(() => rig.fail({ Exit: "x" })).endsWith("invalid type: string \"x\", expected i32"))
        verify(thrown(() => rig.fail({ Exit: 1, Error: null })).indexOf("one entry") > 0)
    }

    function test_nothing_was_sent() {
        values.clear()
        thrown(() => rig.echo_values("t", new ArrayBuffer(1), 5, 1, {}))
        rig.echo_values("last", new ArrayBuffer(1), sample, 1, {})
        tryCompare(values, "count", 1, soon)
        compare(values.signalArguments[0][0], "last")
    }

    function test_one_argument_too_many_is_reported() {
        added.clear()
        ignoreWarning(/.*[Tt]oo many arguments.*/)
        rig.add_two(1, 2, 3)
        tryCompare(added, "count", 1, soon)
    }
}
