"""Where the numbers of a layer, or of a whole network, come from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from archcalc.engine.cost.conventions import terms_of
from archcalc.engine.groups import operations
from archcalc.report.media import numbers
from archcalc.report.media.blocks import Bar, Column, Document, Heading, Items, Paragraph, Table, Total, bar, number
from archcalc.report.show import at_least, flops_title, footer, headline, layers_table, remarks, totals_table
from archcalc.results.cost import LayerCost, NetworkCost
from archcalc.results.explanation import Explanation, Rule


def layer_explained(cost: NetworkCost, layer: LayerCost, explanations: Sequence[Explanation]) -> Document:
    """The rules of each operation of a layer, with the numbers put in; then the layer's own."""
    document: Document = [Heading(f"{layer.name} of {cost.name}: {layer.in_shape} to {layer.out_shape}", 1)]
    document += _operations(explanations)
    if len(explanations) > 1:
        document.append(Paragraph(together(cost, layer)))
    document.append(footer(cost))
    return document


def _operations(explanations: Sequence[Explanation]) -> Document:
    """The rules of operations, with the numbers put in."""
    document: Document = []
    for of in explanations:
        document.append(Heading(f"{of.name}: {of.notation}" if of.name != of.notation else of.name))
        document.append(Paragraph(f"{of.summary.removesuffix('.')}. {of.x} to {of.y}."))
        if of.given:
            document.append(Paragraph(", ".join(f"{name} = {value:,}" for name, value in of.given.items())))
        table = Table(
            [Column("quantity"), Column("rule", least=16, cut="wrap"), Column("", least=16, cut="wrap"), number("")]
        )
        table.rows.extend(
            [rule.quantity, rule.formula, rule.numbers and f"= {rule.numbers}", f"= {rule.result}"] for rule in of.rules
        )
        document.append(table)
        if of.assumptions:
            document.append(Paragraph(f"It holds because {numbers.listed(of.assumptions)}."))
        if of.remark:
            document.append(Paragraph(of.remark))
        document.append(Paragraph(f"Source: {of.source}"))
    return document


def together(cost: NetworkCost, layer: LayerCost) -> str:
    """What the operations of a layer come to."""
    quantities = [("params", layer.params, "params"), ("macs", layer.macs, "MACs")]
    if cost.convention.column != "macs":
        quantities.append(("flops", layer.flops, flops_title(cost.convention)))
    quantities.append(("connections", layer.connections, "connections"))
    parts = [f"{at_least(f'{value:,}', name in layer.lower_bounds)} {title}" for name, value, title in quantities]
    batch = f" at a batch of {cost.batch}" if cost.batch != 1 else ""
    return f"The whole layer {layer.name}{batch}: {', '.join(parts)}."


QUANTITIES = ("params", "weights", "biases", "norm_params", "macs", "flops", "connections", "neurons", "activations")
"""Of which a block has the sum of its layers."""


def block_explained(part: NetworkCost, called: str, joining: Sequence[Explanation] = (), most: int = 3) -> Document:
    """What each quantity of a block comes to, and the layers that it is.

    Args:
        part: what the block costs.
        called: the network as typed.
        joining: how the layer comes about that has the name of the block: what joins its branches.
        most: so many layers are named for each quantity.
    """
    layers = part.layers
    first, last = layers[0], layers[-1]
    document: Document = [Heading(f"{part.scope} of {part.name}: {first.in_shape} to {last.out_shape}", 1)]
    columns = [Column("quantity"), number("the sum"), Column("of which", least=30, cut="wrap")]
    table = Table(columns)
    for name, total, parts in _sums(part):
        shown = parts[:most]
        words = [f"{_inside(part, layer.name)} {numbers.with_percent(value, total)}" for layer, value in shown]
        if rest := sum(value for _, value in parts[most:]):
            words.append(f"{numbers.plural(len(parts) - most, 'other')} {numbers.with_percent(rest, total)}")
        title = {"macs": "MACs", "flops": flops_title(part.convention)}.get(name, name.replace("_", " "))
        table.rows.append([title, at_least(f"{total:,}", part.is_lower_bound(name)), ", ".join(words)])
    document += [table, Heading("Its layers"), layers_table(part, layers, "si")]
    document += [Paragraph(remark) for remark in remarks(part)]
    document.append(Paragraph(f"archcalc explain {called} {_largest_of(part)} has the rules of the largest of them."))
    return [*document, *_operations(joining), footer(part)]


def block_rows(part: NetworkCost) -> list[dict[str, Any]]:
    """A row for each quantity and layer that has some of it, the largest first."""
    return [
        {
            "quantity": part.convention.column if name == "flops" else name,
            "sum": total,
            "layer": layer.name,
            "value": value,
        }
        for name, total, parts in _sums(part)
        for layer, value in parts
    ]


def _sums(part: NetworkCost) -> list[tuple[str, int, list[tuple[LayerCost, int]]]]:
    """Quantities that a block has, their sums, and the layers that have some, the largest first."""
    found = []
    for name in QUANTITIES:
        if name == "flops" and part.convention.column == "macs":
            continue
        parts = [(layer, int(getattr(layer, name))) for layer in part.layers if getattr(layer, name)]
        parts.sort(key=lambda each: -each[1])
        if parts:
            found.append((name, sum(value for _, value in parts), parts))
    return found


def _inside(part: NetworkCost, layer: str) -> str:
    return layer.removeprefix(f"{part.scope}.")


def _largest_of(part: NetworkCost) -> str:
    return max(part.layers, key=lambda layer: (layer.macs, layer.params)).name


def network_explained(cost: NetworkCost, called: str, top: int = 5) -> Document:
    """What is counted and how, where it is, and what was declared zero; `called` is what was typed."""
    document: Document = [Heading(headline(cost), 1), totals_table(cost, "raw")]
    document.append(Heading("What is counted"))
    document.append(
        Items(
            [
                "params: trained scalars: weights, biases, scale and shift of norms; a shared weight once; "
                "running statistics apart, as buffers.",
                "MACs: multiply-accumulate pairs of convolutions, linear layers and matrix products, "
                "positions over zero padding included; biases, norms, activations and pooling not.",
                "connections: for every output its incoming weights and its bias, as LeCun et al. 1998 count.",
                "depth: layers with weights on the longest path from the input to the output.",
                "receptive field: input pixels that one output position sees, the border of the input ignored.",
            ]
        )
    )
    if cost.convention.column != "macs":
        document.append(Heading(flops_title(cost.convention)))
        document.append(Paragraph(f"{cost.convention.about} ({cost.convention.source})."))
        document.append(_convention(cost))
    for name, word in (("macs", "MACs"), ("params", "params")):
        if getattr(cost.totals, name):
            document += [Heading(f"The layers with most {word}"), _largest(cost, name, word, top)]
    zero = _zero(cost)
    if zero:
        document += [Heading("Declared zero, and why"), Items(zero)]
    document.extend(Paragraph(remark) for remark in remarks(cost))
    if cost.notes:
        document += [Heading("Notes of the spec"), Items([" ".join(note.split()) for note in cost.notes])]
    example = max(cost.layers, key=lambda layer: layer.macs, default=None)
    if example is not None:
        document.append(Paragraph(f"One layer in full: archcalc explain {called} {example.name}"))
    document.append(footer(cost))
    return document


def _convention(cost: NetworkCost) -> Table:
    table = Table([Column("operation"), number("how many"), number("worth"), number(flops_title(cost.convention))])
    for term, many in terms_of(cost):
        table.rows.append([term.words, f"{many:,}", str(term.worth), f"{term.worth * many:,}"])
    table.rows.append(Total(["all", "", "", f"{cost.totals.flops:,}"]))
    return table


def _largest(cost: NetworkCost, name: str, word: str, top: int) -> Table:
    whole = getattr(cost.totals, name)
    rows = sorted((row for row in cost.layers if getattr(row, name)), key=lambda row: -getattr(row, name))[:top]
    table = Table(
        [Column("layer", least=20), Column("what", drop=1, least=16, cut="end"), number(word), number("of all"), bar()]
    )
    most = getattr(rows[0], name) if rows else 0
    for row in rows:
        value = getattr(row, name)
        table.rows.append([row.name, row.notation, f"{value:,}", numbers.percent(value, whole), Bar(value, most)])
    return table


def _zero(cost: NetworkCost) -> list[str]:
    found = Counter((row.type, row.reason) for row in operations(cost) if row.status == "zero")
    return [f"{name} ({times}): {reason}" for (name, reason), times in found.items()]


def rule_object(rule: Rule) -> dict[str, str]:
    """A rule for programs: its numbers without the commas that part their digits for the eye."""
    return {name: re.sub(r"(?<=[0-9]),(?=[0-9]{3})", "", text) for name, text in rule._asdict().items()}


def explanation_object(of: Explanation) -> dict[str, Any]:
    """An explanation for programs."""
    return {
        "operation": of.name,
        "notation": of.notation,
        "in_shape": of.x,
        "out_shape": of.y,
        "symbols": dict(of.given),
        "rules": [rule_object(rule) for rule in of.rules],
        "assumptions": of.assumptions,
        "source": of.source,
        "remark": of.remark,
    }
