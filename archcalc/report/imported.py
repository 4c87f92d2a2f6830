"""A model that was brought in: what was read, what it costs, what is proven, and what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archcalc.report.media import numbers
from archcalc.report.media.blocks import Column, Document, Items, Paragraph, Table, Verbatim, number
from archcalc.report.show import at_least
from archcalc.results.imported import ImportedModel

MOST = 12  # differences, unknown parts and unused tensors that are listed


def told(model: ImportedModel, with_text: bool = True) -> Document:
    """All that is known of a model, and the spec."""
    document: Document = [Paragraph(headline(model))]
    totals = Table([Column(""), number(""), Column("", drop=1, least=20, cut="wrap")])
    params, macs = (quantity in model.bounds for quantity in ("params", "macs"))
    buffers = f"and {model.buffers:,} buffers besides" if model.buffers else ""
    totals.rows.append(["params", at_least(f"{model.params:,}", params), buffers])
    totals.rows.append(["MACs", at_least(f"{model.macs:,}", macs), "multiply-accumulate pairs of one example"])
    document.append(totals)
    if model.is_proven:
        text = f"Proven to be the source: {', '.join(model.held)}."
        document.append(Paragraph(text))
    else:
        count = len(model.differences)
        what = "the spec that was written is not it, and is not shown"
        document.append(Paragraph(f"Costs are those of what was read; {what}. Differences: {count}"))
        document.append(Items(_some(model.differences), is_plain=True))
    if model.unknown:
        document.append(
            Paragraph(f"Unknown, and counted as opaque: {len(model.unknown)} of {model.operations} operations")
        )
        table = Table([Column("layer", least=12), Column("why", cut="wrap", least=20)])
        table.rows += [[part.layer or part.name, part.reason] for part in model.unknown[:MOST]]
        document.append(table)
        if len(model.unknown) > MOST:
            document.append(Paragraph(f"and {len(model.unknown) - MOST} more"))
    if model.unused:
        listed = ", ".join(_some(model.unused))
        what = f"{model.unused_params:,} parameters of the source are of no operation that leads to an output"
        document.append(Paragraph(f"{what}, and are not counted: {listed}"))
    if model.notes:
        document.append(Items(model.notes, is_plain=True))
    if with_text and model.text:
        document.append(Verbatim(model.text.rstrip("\n")))
    return document


def told_family(text: str, models: Sequence[ImportedModel]) -> Document:
    """What each network of a family costs, and what of it is proven."""
    table = Table([Column("network", least=16), number("params"), number("MACs"), Column("", cut="wrap", least=16)])
    for model in models:
        params, macs = (at_least(f"{getattr(model, of):,}", of in model.bounds) for of in ("params", "macs"))
        table.rows.append([model.name, params, macs, model.differences[0] if model.differences else "proven"])
    lines = sum(bool(line.strip()) for line in text.splitlines())
    what = f"one spec of {lines} lines" if text else "no spec: one of them is not what was written"
    return [Paragraph(f"{len(models)} networks, {what}"), table]


def headline(model: ImportedModel) -> str:
    """What was read of which source."""
    inputs = ", ".join(f"{name} {shape}" if len(model.inputs) > 1 else shape for name, shape in model.inputs.items())
    lines = f", {model.lines} lines" if model.text else ""
    read = f"{numbers.listed([inputs])}, {model.operations:,} operations, {model.tensors:,} tensors"
    return f"{model.source}: {read}{lines}"


def _some(texts: tuple[str, ...]) -> list[str]:
    more = [f"and {len(texts) - MOST} more"] if len(texts) > MOST else []
    return [*texts[:MOST], *more]


def imported_object(model: ImportedModel) -> dict[str, Any]:
    """Everything, for programs."""
    return model._asdict() | {
        "bounds": sorted(model.bounds),
        "unknown": [part._asdict() for part in model.unknown],
        "is_proven": model.is_proven,
        "lines": model.lines,
    }


def imported_rows(model: ImportedModel) -> list[dict[str, Any]]:
    """One row: a model."""
    names = ("source", "name", "operations", "tensors", "params", "macs", "buffers")
    row = {name: getattr(model, name) for name in names}
    return [row | {"proven": model.is_proven, "unknown": len(model.unknown), "lines": model.lines}]
