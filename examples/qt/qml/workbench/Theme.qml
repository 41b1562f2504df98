pragma Singleton
import QtQuick

// Colours, sizes and the few formats that several panels share. Light or dark like the system.
QtObject {
    readonly property SystemPalette system: SystemPalette { colorGroup: SystemPalette.Active }
    property bool dark: system.window.hslLightness < 0.5

    readonly property color window: dark ? "#0f131a" : "#eef1f6"
    readonly property color surface: dark ? "#181e28" : "#ffffff"
    readonly property color sunken: dark ? "#11161e" : "#f5f7fa"
    readonly property color border: dark ? "#2a3341" : "#dde2ea"
    readonly property color text: dark ? "#e8ecf3" : "#1a2130"
    readonly property color dim: dark ? "#93a0b3" : "#657084"
    readonly property color accent: dark ? "#6b9bff" : "#2f62e0"
    readonly property color accentText: dark ? "#0d1420" : "#ffffff"
    readonly property color second: dark ? "#35cbb0" : "#0b9b84"
    readonly property color good: dark ? "#4fd08f" : "#15935a"
    readonly property color warn: dark ? "#f2bb55" : "#b97a06"
    readonly property color danger: dark ? "#ff7387" : "#cf3450"

    // A grid of four pixels.
    readonly property int tight: 4
    readonly property int small: 8
    readonly property int gap: 12
    readonly property int wide: 16
    readonly property int radius: 10
    readonly property int control: 32

    readonly property int fine: 11
    readonly property int body: 13
    readonly property int large: 20
    readonly property string mono: "monospace"

    function faint(colour, share) {
        return Qt.rgba(colour.r, colour.g, colour.b, share)
    }

    function bytes(count) {
        const units = ["B", "kB", "MB", "GB", "TB"]
        let unit = 0
        while (count >= 999.5 && unit < units.length - 1) {
            count /= 1000
            unit += 1
        }
        return (unit === 0 || count >= 99.95 ? count.toFixed(0) : count.toFixed(1)) + " " + units[unit]
    }

    // 12 345: a thin space reads the same everywhere.
    function number(count) {
        return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, "\u2009")
    }
}
