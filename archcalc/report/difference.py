"""Two versions of a network: totals first, then the layers that changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.ops import Shape
from archcalc.report.media import numbers
from archcalc.report.media.blocks import Cell, Column, Document, Heading, Paragraph, Table, number
from archcalc.report.media.markdown import markdown
from archcalc.results.cost import LayerCost, shape_list
from archcalc.results.difference import Condition, Difference, LayerChange, Status, TotalChange

# Totals that are shown also where they are the same.
_ALWAYS = ("params", "macs", "size_bytes")
_STATUSES: tuple[Status, ...] = ("changed", "renamed", "added", "removed")

Met = Sequence[tuple[Condition, TotalChange]]


def changes(found: Difference, met: Met) -> Document:
    """What fails, the totals, and every layer that is not the same."""
    document = _head(found, met)
    table = layers(found)
    if table.rows:
        document += [Heading(layers_counted(found)), table]
    return document


def changes_page(found: Difference, met: Met) -> Document:
    """The same above the two networks of a page, which may then be looked at with other settings."""
    _, *rest = changes(found, met)
    return [
        Heading(f"{found.before} -> {found.after}", 1),
        Paragraph("What changed, as the two are written.", True),
        *rest,
    ]


def changes_markdown(found: Difference, met: Met) -> str:
    """The same for a pull request, with the layers folded."""
    text = markdown(_head(found, met))
    table = layers(found)
    if not table.rows:
        return text
    folded = markdown([table])
    return f"{text}\n<details>\n<summary>{layers_counted(found)}</summary>\n\n{folded}\n</details>\n"


def _head(found: Difference, met: Met) -> Document:
    document: Document = [Heading(f"{found.before} -> {found.after}", 3)]
    document.extend(Paragraph(f"fails: {violation(condition, total)}") for condition, total in met)
    document.append(totals(found))
    if not any(change.status != "same" for change in found.layers):
        document.append(Paragraph("No layer differs."))
    at_least = [name for name, cost in ((found.before, found.old), (found.after, found.new)) if cost.totals.at_least]
    if at_least:
        verb = "are lower bounds" if len(at_least) == 1 else "both are lower bounds"
        document.append(Paragraph(f"The totals of {numbers.listed(at_least)} {verb}: an operation is of unknown cost."))
    return document


def violation(condition: Condition, total: TotalChange) -> str:
    """`macs > +2%: macs went from 1,000 to 1,034 (+34, +3.4%)`."""
    quantity = total.quantity
    change = f"+0, {percent(total)}" if total.old == total.new else f"{total.new - total.old:+,}, {percent(total)}"
    return f"{condition.text}: {quantity} went from {total.old:,} to {total.new:,} ({change})"


def percent(total: TotalChange) -> str:
    """A change as a part of what was: `+3.4%`, `-<0.1%`, `same`, `new` where there was nothing."""
    if total.old == total.new:
        return "same"
    if total.old == 0:
        return "new"
    sign = "+" if total.new > total.old else "-"
    return f"{sign}{numbers.percent(abs(total.new - total.old), total.old)}"


def totals(found: Difference) -> Table:
    """The totals that changed, and those that are always asked for."""
    table = Table([Column("total"), number("before"), number("after"), number("change"), number("in %")])
    for total in found.totals:
        if total.quantity in _ALWAYS or total.old != total.new:
            change = f"{total.new - total.old:+,}" if total.new != total.old else ""
            table.rows.append([total.quantity, f"{total.old:,}", f"{total.new:,}", change, percent(total)])
    return table


def layers_counted(found: Difference) -> str:
    """`2 layers changed, 1 added; 52 are the same`."""
    counts = [(count, status) for status in _STATUSES if (count := found.count(status))]
    (first, status), *others = counts
    said = [f"{numbers.plural(first, 'layer')} {status}", *(f"{count:,} {status}" for count, status in others)]
    same = found.count("same")
    return f"{', '.join(said)}; {same:,} {'is' if same == 1 else 'are'} the same"


def layers(found: Difference) -> Table:
    """Layers that are not the same, before and after."""
    columns = [Column("layer", least=16), Column(""), Column("what", least=12, drop=4, cut="end")]
    columns += [number("output", drop=2)]
    columns += [number("params"), number("in %", drop=1), number("macs"), number("in %", drop=1)]
    table = Table(columns)
    for change in found.layers:
        if change.status != "same":
            table.rows.append(_cells(change))
    return table


def _cells(change: LayerChange) -> list[Cell]:
    old, new = change.old, change.new
    cells: list[Cell] = [_both(change, "name"), change.status, _both(change, "notation")]
    cells.append(_both(change, "out_shape"))
    for quantity in ("params", "macs"):
        total = TotalChange(quantity, _value(old, quantity), _value(new, quantity))
        cells.append(_both(change, quantity))
        cells.append("" if old is None or new is None or total.old == total.new else percent(total))
    return cells


def _value(layer: LayerCost | None, quantity: str) -> int:
    return int(getattr(layer, quantity)) if layer else 0


def _both(change: LayerChange, name: str) -> str:
    """A value, or both where it changed."""
    values = [getattr(layer, name) for layer in (change.old, change.new) if layer is not None]
    said = [f"{value:,}" if isinstance(value, int) else str(value) for value in values]
    return said[0] if len(set(said)) == 1 else " -> ".join(said)


def rows(found: Difference) -> list[dict[str, Any]]:
    """A row for each layer, the same ones too: for CSV and JSON."""
    listed: list[dict[str, Any]] = []
    for change in found.layers:
        row: dict[str, Any] = {"status": change.status}
        for name in ("name", "notation", "out_shape", "params", "macs"):
            for when, layer in (("before", change.old), ("after", change.new)):
                value = getattr(layer, name) if layer else None
                row[f"{name}_{when}"] = shape_list(value) if isinstance(value, Shape) else value
        listed.append(row)
    return listed


def difference_object(found: Difference, met: Met) -> dict[str, Any]:
    """All of it, for JSON."""
    return {
        "before": found.before,
        "after": found.after,
        "met": [{"condition": condition.text, **total._asdict()} for condition, total in met],
        "totals": [total._asdict() for total in found.totals],
        "layers": rows(found),
    }
