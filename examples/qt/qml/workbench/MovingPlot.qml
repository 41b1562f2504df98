import QtQuick

// Two lines from 0 to 1 that move to the left. Repaints only when a value arrives.
Item {
    id: plot

    // The time span shown, in milliseconds.
    property int span: 10000
    property color firstColour: Theme.accent
    property color secondColour: Theme.second
    readonly property alias painted: canvas.painted
    property int count: 0
    // Newest last: time in milliseconds, first, second.
    property var points: []

    function add(first, second) {
        const now = Date.now()
        points.push([now, first, second])
        let old = 0
        // One point beyond the edge, so that the line reaches it.
        while (old + 1 < points.length && points[old + 1][0] < now - span)
            old += 1
        if (old > 0)
            points.splice(0, old)
        count = points.length
        canvas.requestPaint()
    }

    clip: true

    Repeater {
        model: 5
        Rectangle {
            required property int index
            y: Math.round((plot.height - 1) * index / 4)
            width: plot.width
            height: 1
            color: Theme.faint(Theme.dim, index === 4 ? 0.35 : 0.15)
        }
    }

    PlainText { text: "100 %"; color: Theme.dim; font.pixelSize: Theme.fine - 1; y: 3 }
    PlainText {
        text: (plot.span / 1000) + " s"
        color: Theme.dim
        font.pixelSize: Theme.fine - 1
        anchors { bottom: parent.bottom; bottomMargin: 3 }
    }

    Canvas {
        id: canvas

        property int painted: 0

        function path(context, index, left, scale) {
            let last = -10
            context.beginPath()
            for (const point of plot.points) {
                const x = width - (left - point[0]) * scale
                // Points closer than a pixel are indistinguishable.
                if (x - last < 1)
                    continue
                const y = 1.5 + (height - 3) * (1 - point[index])
                if (last === -10)
                    context.moveTo(x, y)
                else
                    context.lineTo(x, y)
                last = x
            }
            return last
        }

        function area(context, index, colour, left, scale) {
            const end = path(context, index, left, scale)
            context.lineTo(end, height)
            context.lineTo(width - (left - plot.points[0][0]) * scale, height)
            context.closePath()
            context.fillStyle = Theme.faint(colour, Theme.dark ? 0.16 : 0.11)
            context.fill()
        }

        function line(context, index, colour, left, scale) {
            path(context, index, left, scale)
            context.lineWidth = 1.75
            context.strokeStyle = colour
            context.stroke()
        }

        anchors.fill: parent
        onPaint: {
            const context = getContext("2d")
            context.reset()
            if (plot.points.length < 2)
                return
            const newest = plot.points[plot.points.length - 1][0]
            const scale = width / plot.span
            area(context, 2, plot.secondColour, newest, scale)
            area(context, 1, plot.firstColour, newest, scale)
            line(context, 1, plot.firstColour, newest, scale)
            line(context, 2, plot.secondColour, newest, scale)
            painted += 1
        }
    }
}
