"""Pictures: where in a network its cost is, networks as balls, cost along a sweep; as SVG, PNG or a page by itself.

Charts are Vega-Lite, drawn without a browser and without a network. The one palette is that of Okabe and Ito, which
people of any colour vision can tell apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import floor, log, log10, pi, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.engine.groups import cut
from archcalc.report.media.numbers import count, exact, listed, plural
from archcalc.results.cost import LayerCost, NetworkCost
from archcalc.source.extra import require
from archcalc.source.writing import write_whole

if TYPE_CHECKING:
    from archcalc.results.sweep import Sweep

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#000000")
ENDINGS = (".svg", ".png", ".html")
MOST_ROWS = 70  # of a chart whose labels can be read
LONGEST_LABEL = 260  # pixels
MOST_COLOURS = len(PALETTE)
DASHES = [[1, 0], [6, 3], [2, 2]]
SHAPES = ["circle", "square", "triangle-up"]
WIDTH, HEIGHT = 520, 380  # of a chart with balls, in pixels
MOST_AREA = 2500  # of a ball
MOST_BALLS = 6  # of a legend
MOST_POINTS = 5000  # of a picture of a sweep
MOST_LABELS = 24  # of a legend
MOST_NAMES = 4  # of networks in a title
TITLES = {"macs": "MACs", "params": "parameters"}
LETTER, LINE = 6.6, 13  # about how wide a letter is, and how high a line


def write_chart(chart: Any, path: Path) -> None:
    """Write a chart as its file's ending says: SVG, PNG at twice the size, or HTML that needs nothing else.

    Raises:
        OSError: the file cannot be written.
        ValueError: another ending.
    """
    import vl_convert

    specification = chart.to_json()
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(f"a picture ends in {', '.join(ENDINGS)}, not `{path.name}`")
    match ending:
        case ".svg":
            write_whole(path, vl_convert.vegalite_to_svg(specification))
        case ".png":
            write_whole(path, vl_convert.vegalite_to_png(specification, scale=2))
        case ".html":
            write_whole(path, vl_convert.vegalite_to_html(specification, bundle=True))


def cost_by_layer(cost: NetworkCost, rows: Sequence[LayerCost]) -> Any:
    """Bars of MACs, parameters and activations of each row, in the order of the network.

    Rows that cost nothing are left out; a network with too many to read is shown by stage.
    """
    require("altair", "vl_convert", extra="plot")
    import altair as alt

    shown, how = [row for row in rows if row.macs or row.params], ""
    depth = max((row.name.count(".") + 1 for row in shown), default=1)
    while len(shown) > MOST_ROWS and depth > 1:
        depth -= 1
        shown, how = [row for row in cut(rows, depth) if row.macs or row.params], ", layers of a block together"
    quantities = [("macs", "MACs"), ("params", "parameters"), ("activations", "activations (outputs)")]
    values = [
        {"order": order, "layer": row.name, "quantity": title, "cost": getattr(row, name)}
        for order, row in enumerate(shown)
        for name, title in quantities
    ]
    names = [row.name for row in shown]
    panels = []
    for position, (_, title) in enumerate(quantities):
        axis = alt.Axis(labelLimit=LONGEST_LABEL, ticks=False) if position == 0 else None
        panels.append(
            alt.Chart(_data([value for value in values if value["quantity"] == title]))
            .mark_bar(color=PALETTE[0])
            .encode(
                x=alt.X("cost:Q", title=f"{title}{_within(cost.scope)}", axis=_axis(tickCount=4)),
                y=alt.Y("layer:N", title=None, sort=names, axis=axis),
                tooltip=["layer:N", alt.Tooltip("cost:Q", title=title, format=",")],
            )
            .properties(width=190, height=alt.Step(14))
        )
    totals = cost.totals
    amounts = f"{count(totals.macs)} MACs, {count(totals.params)} parameters"
    subtitle = f"input {cost.input_text}, batch {cost.batch}: {amounts}{how}"
    return finished(alt.hconcat(*panels, spacing=12), f"Where {_part(cost.scope)}{cost.name} costs", subtitle)


def balls(costs: Sequence[NetworkCost]) -> Any:
    """Networks by MACs and parameters, a ball's area as the bytes of its weights; both axes are logarithmic."""
    require("altair", "vl_convert", extra="plot")
    import altair as alt

    values = [
        {
            "network": cost.name,
            "macs": cost.totals.macs,
            "params": cost.totals.params,
            "MiB": cost.totals.size_bytes / 2**20,
        }
        for cost in costs
    ]
    x, y = _Span([cost.totals.macs for cost in costs]), _Span([cost.totals.params for cost in costs])
    most = max(cost.totals.size_bytes for cost in costs) / 2**20 or 1.0
    scope = costs[0].scope
    base = alt.Chart(_data(values)).encode(
        x=alt.X("macs:Q", title=f"MACs{_within(scope)}", scale=x.scale(), axis=_axis(values=x.powers())),
        y=alt.Y("params:Q", title=f"parameters{_within(scope)}", scale=y.scale(), axis=_axis(values=y.powers())),
    )
    ball = base.mark_circle(opacity=0.65, color=PALETTE[0], stroke="black", strokeWidth=1).encode(
        size=alt.Size(
            "MiB:Q",
            title=f"weights, MiB{_within(scope)}",
            scale=alt.Scale(type="linear", domain=[0, most], range=[0, MOST_AREA]),
            legend=alt.Legend(
                labelExpr="format(datum.value, '~r')",
                values=_steps(most),
                symbolFillColor="#bbbbbb",
                symbolStrokeColor="black",
            ),
        ),
        tooltip=["network:N", alt.Tooltip("macs:Q", format=","), alt.Tooltip("params:Q", format=",")],
    )
    label = alt.layer(*_labels(base, values, x, y, most))
    inputs = {cost.input_text for cost in costs}
    subtitle = f"input {inputs.pop()}" if len(inputs) == 1 else "each at its own input"
    chart = (ball + label).properties(width=WIDTH, height=HEIGHT)
    title = f"What {_part(scope)}networks compute and what they store"
    return finished(chart, title, f"{subtitle}, batch {costs[0].batch}")


def _part(scope: str) -> str:
    """`layer1 of `, before the name of what it is a part of; nothing where all of it is meant."""
    return f"{scope} of " if scope else ""


def _within(scope: str) -> str:
    """` of layer1`, after the name of a quantity; nothing where all of a network is meant."""
    return f" of {scope}" if scope else ""


def cost_along(sweep: Sweep) -> Any:
    """Lines of cost along the first axis of numbers, one for each combination of networks and other axes.

    Without an axis of numbers, points over the values of the first axis. At most two quantities, MACs and parameters
    where they are there.

    Raises:
        ValueError: more configurations than a picture shows.
    """
    require("altair", "vl_convert", extra="plot")
    import altair as alt

    heading = sweep.heading
    if len(sweep) > MOST_POINTS:
        raise ValueError(f"a picture shows up to {MOST_POINTS:,} configurations, and there are {len(sweep):,}")
    columns = sweep.columns
    along = next((axis for axis in heading.axes if axis.is_numeric and axis.size > 1), heading.axes[0])
    others = [axis.name for axis in heading.axes if axis is not along and axis.size > 1]
    named = (["network"] if len(heading.networks) > 1 else []) + others
    quantities = [name for name in TITLES if name in heading.quantities] or list(heading.quantities[:2])
    rows = range(len(sweep))
    series = [", ".join(_labelled(name, columns[name][row]) for name in named) or heading.networks[0] for row in rows]
    values = [
        {
            "at": _number(columns[along.name][row]) if along.is_numeric else str(columns[along.name][row]),
            "series": series[row],
            "quantity": name,
            "cost": int(columns[name][row]),
        }
        for row in rows
        for name in quantities
    ]
    labels = list(dict.fromkeys(series))
    told = _told_apart(labels, along.is_numeric)
    kind = "Q" if along.is_numeric else "N"
    panels = []
    for name in quantities:
        marks = alt.Chart(_data([value for value in values if value["quantity"] == name])).encode(
            x=alt.X(f"at:{kind}", title=along.name, scale=alt.Scale(zero=False) if kind == "Q" else alt.Undefined),
            y=alt.Y("cost:Q", title=TITLES.get(name, name), axis=_axis(tickCount=5)),
            detail="series:N",
            **told,
            tooltip=["series:N", f"at:{kind}", alt.Tooltip("cost:Q", title=name, format=",")],
        )
        drawn = (
            marks.mark_line(color=PALETTE[0], point=alt.OverlayMarkDef(size=18))
            if kind == "Q"
            else marks.mark_point(color=PALETTE[0], filled=True)
        )
        panels.append(drawn.properties(width=360, height=260))
    title = f"What {listed(list(heading.networks)[:MOST_NAMES])} cost{'s' * (len(heading.networks) == 1)}"
    subtitle = (
        f"along {along.name}{f', for each {listed(others)}' if others else ''}: {plural(len(sweep), 'configuration')}"
        f"{'' if told or len(labels) < 2 else f', {len(labels)} lines, too many to tell apart'}"
    )
    return finished(alt.hconcat(*panels, spacing=24), title, subtitle)


def _labelled(name: str, value: Any) -> str:
    shown = exact(Fraction(repr(float(value)))) if isinstance(value, float) else str(value)
    return shown if name == "network" else f"{name} {shown}"


def _number(value: Any) -> float:
    """A value of an axis where it is drawn; shares are texts that read as fractions."""
    return float(Fraction(value)) if isinstance(value, str) else float(value)


class _Span:
    """A logarithmic axis with room for balls and labels."""

    def __init__(self, values: Sequence[int]) -> None:
        found = [value for value in values if value] or [1]
        self.low, self.high = min(found) / 2.5, max(found) * 2.5

    def scale(self) -> Any:
        import altair as alt

        return alt.Scale(type="log", domain=[self.low, self.high], nice=False)

    def powers(self) -> list[int]:
        """Powers of ten; where there are fewer than two, their halves and fifths too."""
        tens = [10**power for power in range(20) if self.low <= 10**power <= self.high]
        if len(tens) > 1:
            return tens
        return [
            part * 10**power for power in range(20) for part in (1, 2, 5) if self.low <= part * 10**power <= self.high
        ]

    def at(self, value: int, pixels: int) -> float:
        """Where a value lies, in pixels from the low end."""
        return pixels * log(max(value, 1) / self.low) / log(self.high / self.low)


def _labels(base: Any, values: Sequence[dict[str, Any]], x: _Span, y: _Span, most: float) -> Iterator[Any]:
    """Names beside the balls: above, else wherever they cover no other name."""
    import altair as alt

    balls = [
        (x.at(value["macs"], WIDTH), y.at(value["params"], HEIGHT), _radius(value["MiB"], most)) for value in values
    ]
    taken: list[tuple[float, float, float]] = []  # middle and half width of names that are placed
    for value, (across, up, radius) in zip(values, balls, strict=True):
        half = LETTER * len(value["network"]) / 2
        above, beside = radius + 8, radius + half + 4
        places = [(0.0, above), (0.0, -above), (beside, 0.0), (-beside, 0.0)]
        places += [(side * (half + 4), end * above) for side in (1, -1) for end in (1, -1)]
        places += [(0.0, end * (above + LINE)) for end in (1, -1)]

        def covered(
            place: tuple[float, float], half: float = half, across: float = across, up: float = up
        ) -> tuple[int, int]:
            """How many names it would cover or leave the chart by, and how many balls."""
            middle, height = across + place[0], up + place[1]
            names = sum(abs(middle - at) < half + other and abs(height - line) < LINE for at, line, other in taken)
            outside = not half <= middle <= WIDTH - half
            hidden = sum(
                abs(middle - at) < half + size and abs(height - line) < size + LINE / 2 for at, line, size in balls
            )
            return names + outside, hidden

        right, above = min(places, key=covered)
        taken.append((across + right, up + above, half))
        yield (
            base.transform_filter(alt.datum.network == value["network"])
            .mark_text(dx=right, dy=-above, fontSize=11, fontWeight="bold", baseline="middle")
            .encode(text="network:N")
        )


def _radius(size: float, most: float) -> float:
    """Of a ball, in pixels."""
    return sqrt(MOST_AREA * size / most / pi)


def _steps(most: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, up to a number."""
    power: float = 10.0 ** floor(log10(most / MOST_BALLS))
    step = next(part * power for part in (1, 2, 5, 10) if part * power * MOST_BALLS >= most)
    return [step * time for time in range(1, floor(most / step) + 1)]


def _axis(**arguments: Any) -> Any:
    """An axis whose labels are `0`, `20M`, `1G`: each with its own prefix."""
    import altair as alt

    return alt.Axis(labelExpr="replace(format(datum.value, '~s'), 'k', 'K')", **arguments)


def _data(values: list[dict[str, Any]]) -> Any:
    """Rows within the chart's own text."""
    import altair as alt

    return alt.InlineData(values=values)


def _told_apart(labels: Sequence[str], are_lines: bool) -> dict[str, Any]:
    """Colours, and dashes or shapes where colours come again, with a legend; none where it has no room for all."""
    import altair as alt

    if not 1 < len(labels) <= MOST_LABELS:
        return {}
    legend = alt.Legend(title=None, symbolLimit=MOST_LABELS, labelLimit=LONGEST_LABEL)
    turns = range(len(labels))
    colours = alt.Scale(domain=list(labels), range=[PALETTE[place % MOST_COLOURS] for place in turns])
    kinds: list[Any] = DASHES if are_lines else SHAPES
    second = alt.Scale(domain=list(labels), range=[kinds[place // MOST_COLOURS] for place in turns])
    channel = alt.StrokeDash if are_lines else alt.Shape
    return {
        "color": alt.Color("series:N", sort=labels, legend=legend, scale=colours),
        "strokeDash" if are_lines else "shape": channel("series:N", sort=labels, legend=legend, scale=second),
    }


def finished(chart: Any, title: str, subtitle: str) -> Any:
    """Title, size of letters, and a white ground, so that it reads the same in a paper and on a page."""
    import altair as alt

    return (
        chart.properties(title=alt.Title(title, subtitle=subtitle, anchor="start", fontSize=15, subtitleFontSize=11))
        .configure(background="white", font="sans-serif")
        .configure_view(strokeWidth=0)
        .configure_axis(labelFontSize=10, titleFontSize=11, gridColor="#e6e6e6")
    )
