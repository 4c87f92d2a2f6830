"""A figure as a graph for other programs to lay out: Mermaid for READMEs, DOT for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from archcalc.report.figure.items import Figure, Fork, Item, Op, Row
from archcalc.report.figure.words import brief, shape_text
from archcalc.report.media.numbers import percent


@dataclass(slots=True)
class Node:
    """A box: its number, lines of text, the name of its colour, and its look."""

    number: int
    lines: list[str]
    fill: str
    look: str = "box"  # box, module, pill, merge, text


@dataclass(slots=True)
class Chart:
    """Boxes and arrows, and groups of boxes with titles."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[tuple[int, int, str, bool]] = field(default_factory=list)  # from, to, label, dashed
    groups: list[tuple[str, list[int]]] = field(default_factory=list)

    def node(self, lines: Sequence[str], fill: str, look: str = "box") -> int:
        """A new box; its number."""
        self.nodes.append(Node(len(self.nodes), [line for line in lines if line], fill, look))
        return len(self.nodes) - 1


class _Charting:
    def __init__(self, figure: Figure, quantity: str) -> None:
        self.figure, self.quantity, self.chart = figure, quantity, Chart()

    def charted(self) -> Chart:
        """Rows with their skips and heads, then what is opened."""
        figure, chart = self.figure, self.chart
        inputs = {index: chart.node([text], "track", "text") for index, text in figure.inputs.items()}
        by_output: dict[int, int] = dict(inputs)
        begins = len(chart.nodes)
        for row in [*figure.rows, *figure.heads]:
            at = self.item(row.item, self.label(row))
            is_head = row.place == "head"
            for number, read in enumerate([row.reads, *row.others]):
                if read is not None and read in by_output:
                    label = shape_text(figure.shape(read)) if read >= 0 else ""
                    chart.edges.append((by_output[read], at, label, is_head or number > 0))
            if row.output is not None:
                by_output[row.output] = at
        chart.groups.append((figure.name, [*inputs.values(), *range(begins, len(chart.nodes))]))
        for form in figure.forms:
            if form.mark:
                first = len(chart.nodes)
                start = chart.node([f"{form.mark}: {form.title}"], "track", "text")
                self.series(form.chain, start)
                of = f", form {form.nth} of {form.of}" if form.of > 1 else ""
                chart.groups.append((f"{form.mark} {form.title}{of}", list(range(first, len(chart.nodes)))))
        return chart

    def label(self, row: Row) -> list[str]:
        """Lines of a row's box."""
        item = row.item
        share = percent(self.figure.sum(row, self.quantity), self.figure.total[self.quantity])
        second = f"{share} of {self.quantity}" if share and row.place != "head" else ""
        if isinstance(item, Fork):
            return [row.name, item.word]
        times = f" ×{item.times}" if item.times > 1 else ""
        if isinstance(item, Op):
            return [row.name, f"{item.text}{times}", second]
        marks = dict.fromkeys(self.figure.marks.get((item.module, form), "") for form in sorted(set(item.forms)))
        of = f" ({', '.join(mark for mark in marks if mark)})" if any(marks) else ""
        word = "" if item.is_entry or row.name.startswith(item.word) else f": {item.word}"
        return [f"{row.name}{word}{times}{of}", second]

    def item(self, item: Item, lines: Sequence[str] | None = None) -> int:
        """The box of an item, without its branches."""
        times = f" ×{item.times}" if item.times > 1 else ""
        if isinstance(item, Fork):
            return self.chart.node(lines or [f"{item.word or ' '}{times}"], "dark", "merge")
        amount = sum(self.figure.amounts[self.quantity][index] for part in item.parts for index in part.nodes)
        if isinstance(item, Op):
            shown = lines or [f"{item.text}{times}", brief(amount) if amount else ""]
            return self.chart.node(shown, item.kind.name, "pill" if item.is_small else "box")
        found = self.figure.marks.get((item.module, item.forms[0]), "")
        mark = f" ({found})" if found else ""
        shown = lines or [f"{item.word}{times}{mark}", brief(amount) if amount else ""]
        return self.chart.node(shown, "paper", "module")

    def series(self, items: Sequence[Item], before: int | None) -> int | None:
        """Items in a row from a box on; the last."""
        for item in items:
            if isinstance(item, Fork):
                before = self.fork(item, before)
            else:
                at = self.item(item)
                if before is not None and item.reads is not None:
                    self.chart.edges.append((before, at, "", False))
                before = at
        return before

    def fork(self, fork: Fork, before: int | None) -> int:
        """Branches into a merge."""
        merge = self.item(fork)
        for branch in fork.branches:
            start = before
            if branch.source:
                start = self.chart.node([f"from {branch.source}"], "track", "text")
            end = self.series(branch.items, start)
            if end is not None:
                self.chart.edges.append((end, merge, branch.name, False))
        return merge


def chart_of(figure: Figure, quantity: str = "macs") -> Chart:
    """A figure as boxes and arrows."""
    return _Charting(figure, quantity).charted()


def mermaid(figure: Figure, colours: Mapping[str, str], quantity: str = "macs") -> str:
    """The figure as a Mermaid flowchart."""
    chart = chart_of(figure, quantity)
    looks = {"box": '["{}"]', "module": '[["{}"]]', "pill": '(["{}"])', "merge": '(("{}"))', "text": '>"{}"]'}
    lines = ["---", f"title: {_quoted(figure.description)}", "---", "flowchart TD"]
    for number, (title, members) in enumerate(chart.groups):
        lines.append(f'  subgraph g{number} ["{_mermaid(title)}"]')
        for at in members:
            node = chart.nodes[at]
            text = "<br/>".join(map(_mermaid, node.lines)) or " "
            lines.append(f"    n{at}{looks[node.look].format(text)}:::{node.fill}")
        lines.append("  end")
    for begin, end, label, dashed in chart.edges:
        arrow = "-.->" if dashed else "-->"
        told = f'|"{_mermaid(label)}"|' if label else ""
        lines.append(f"  n{begin} {arrow}{told} n{end}")
    for fill in dict.fromkeys(node.fill for node in chart.nodes):
        ink = colours["on_dark"] if fill == "dark" else colours["ink"]
        lines.append(f"  classDef {fill} fill:{colours[fill]},stroke:{colours['edge']},color:{ink}")
    return "\n".join(lines) + "\n"


def dot(figure: Figure, colours: Mapping[str, str], quantity: str = "macs") -> str:
    """The figure as a digraph for Graphviz."""
    return "\n".join(_dot(figure, chart_of(figure, quantity), colours)) + "\n"


def _dot(figure: Figure, chart: Chart, colours: Mapping[str, str]) -> Iterator[str]:
    yield f"digraph {_quoted(figure.name)} {{"
    yield f"  label={_quoted(figure.description)}; labelloc=t; bgcolor={_quoted(colours['paper'])};"
    yield f"  fontname=Helvetica; fontcolor={_quoted(colours['ink'])};"
    yield f"  node [fontname=Helvetica, fontsize=11, color={_quoted(colours['edge'])}, style=filled, shape=box];"
    edge, soft = _quoted(colours["edge"]), _quoted(colours["soft"])
    yield f"  edge [fontname=Helvetica, fontsize=9, color={edge}, fontcolor={soft}];"
    looks = {"module": ', penwidth=2, style="filled,bold"', "pill": ', style="filled,rounded"', "merge": ", shape=oval"}
    for number, (title, members) in enumerate(chart.groups):
        yield f"  subgraph cluster_{number} {{"
        yield f"    label={_quoted(title)}; color={_quoted(colours['rim'])};"
        for at in members:
            node = chart.nodes[at]
            ink = colours["on_dark"] if node.fill == "dark" else colours["ink"]
            look = looks.get(node.look, ", shape=plaintext" if node.look == "text" else "")
            label = "\\n".join(_escaped(line) for line in node.lines)
            fill = colours["paper"] if node.look == "text" else colours[node.fill]
            yield f'    n{at} [label="{label}", fillcolor={_quoted(fill)}, fontcolor={_quoted(ink)}{look}];'
        yield "  }"
    for begin, end, label, dashed in chart.edges:
        given = [f"label={_quoted(label)}"] if label else []
        given += ["style=dashed"] if dashed else []
        told = f" [{', '.join(given)}]" if given else ""
        yield f"  n{begin} -> n{end}{told};"
    yield "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _mermaid(text: str) -> str:
    """Within quotes, where `#` begins an entity."""
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
