"""One network: its layers, its totals, and what was assumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archcalc.engine.cost.conventions import not_compared, terms_of
from archcalc.engine.cost.experts import ASSUMPTION, EXACT_UP_TO, distinct_experts
from archcalc.report.media import numbers
from archcalc.report.media.blocks import (
    Bar,
    Cell,
    Column,
    Document,
    Heading,
    Paragraph,
    Section,
    Table,
    Total,
    bar,
    number,
)
from archcalc.report.media.numbers import Units
from archcalc.results.convention import Convention
from archcalc.results.cost import DTYPES, LayerCost, NetworkCost

if TYPE_CHECKING:
    from archcalc.results.claim import ClaimResult
    from archcalc.results.space import Space

LONG = 100  # rows of a table that is still read as it is
_ROWS = {"op": "operation", "layer": "layer", "stage": "stage", "type": "type"}  # what a row is


def shown(
    cost: NetworkCost,
    rows: Sequence[LayerCost],
    units: Units,
    by: str = "layer",
    of: int | None = None,
    figures: Sequence[ClaimResult] | None = None,
    others: Sequence[NetworkCost] = (),
    folds: bool = False,
) -> Document:
    """Table of layers, totals and footer.

    Args:
        cost: a network.
        rows: its layers, or groups of them.
        units: how counts are written.
        by: what a row is.
        of: how many rows `rows` was chosen from.
        figures: what others printed of it, to stand beside.
        others: what libraries call by its name.
        folds: whether blocks of a long table that cost what an earlier one does stand in one row.
    """
    every = rows
    if folds and len(rows) > LONG:
        from archcalc.engine.folding import folded

        rows = folded(rows)
    table = layers_table(cost, rows, units, by)
    document: Document = [Heading(headline(cost), 1), table]
    if len(rows) < len(every):
        why = "a run of blocks with the costs, shapes and fields of an earlier one is one row; --unfold shows all"
        document.append(Paragraph(f"{len(rows)} rows for {len(every):,}: {why}", quiet=True))
    if of is not None and len(every) < of:
        whole = f"all of {cost.scope}" if cost.scope else "the whole network"
        document.append(Paragraph(f"{len(every)} of {of} rows; the totals are those of {whole}", quiet=True))
    document.append(totals_table(cost, units))
    document.extend(Paragraph(remark) for remark in (*remarks(cost), *meant(cost, others, units)))
    document.append(footer(cost))
    if figures is not None:
        from archcalc.report import published  # and with it the ledger's words, for this alone

        document[1] = published.beside(table, published.in_rows(figures))
        document += published.below(cost.name, figures, [row.name for row in rows])
    return document


def headline(cost: NetworkCost) -> str:
    """Name, title and source."""
    title = cost.title if cost.title and cost.title != cost.name else ""
    about = ", ".join(part for part in (title, str(cost.year or "")) if part)
    source = f" [{cost.source}]" if cost.source else ""
    name = f"{cost.scope} of {cost.name}" if cost.scope else cost.name
    return f"{name}: {about}{source}" if about else f"{name}{source}"


def layers_table(
    cost: NetworkCost, rows: Sequence[LayerCost], units: Units, by: str = "layer", has_total: bool = True
) -> Table:
    """The layers, or groups of them, with their parts of the MACs; those of heads apart."""
    is_arithmetic = cost.convention.column != "macs"
    columns = [
        Column(_ROWS[by], least=24),
        Column("what", drop=4, least=12, cut="end"),
        number("output", drop=2),
        number("params"),
        number("MACs"),
        number("of all", drop=1),
        bar(),
        number(flops_title(cost.convention), drop=12 if is_arithmetic else 30),
        number("field", drop=5),
        number("local field", drop=6),
        number("stored", drop=3),
        number("size", drop=3),
        number("masked", drop=11),
        number("state", drop=6),
    ]
    most = max((row.macs for row in rows if not row.like), default=0)
    table = Table(columns)
    head = ""
    heads = [row.head for row in rows]
    is_in_order = heads == sorted(heads, key=lambda name: heads.index(name) if name else -1)
    for row in rows:
        if row.head != head and is_in_order:
            head = row.head
            table.rows.append(Section(f"head {head}, for training only" if head else "the network itself"))
        bounds = row.lower_bounds

        def bounded(name: str, text: str, bounds: frozenset[str] = bounds) -> str:
            return at_least(text, name in bounds)

        cells: list[Cell] = [
            row.name,
            repeated(row, units) if row.like else row.notation,
            numbers.shape(row.out_shape),
            bounded("params", numbers.count(row.params, units)),
            bounded("macs", numbers.count(row.macs, units)),
            numbers.percent(row.macs, cost.totals.macs),
            Bar(0 if row.like else row.macs, most),
            bounded("flops", numbers.count(row.flops, units)),
            numbers.seen(row.receptive_field, cost.input),
            numbers.field(row.local_receptive_field),
            bounded("stored_params", numbers.count(row.stored_params, units)),
            bounded("size_bytes", numbers.size(row.size_bytes, units)),
            numbers.count(row.masked, units),
            numbers.count(row.state + row.state_once, units),
        ]
        table.rows.append(cells)
    if has_total:
        table.rows.append(_total(cost, units))
    hidden = set() if is_arithmetic else {7}
    # where what is global stands at the end alone, as a classifier does, the totals say what the local field is
    beside = {row.local_receptive_field for row in rows if row.receptive_field != row.local_receptive_field}
    hidden |= {9} if len(beside) < 2 else set()
    hidden |= {2, 8, 9} if by == "type" else set()
    hidden |= set() if is_compressed(cost) else {10, 11}
    hidden |= set() if any(row.masked for row in rows) else {12}
    hidden |= set() if cost.is_stepped and any(row.state or row.state_once for row in rows) else {13}
    return without(table, hidden) if hidden else table


def repeated(row: LayerCost, units: Units) -> str:
    """What each of some blocks costs: `as blocks.2, each 3.188 G params, 6.666 T MACs`."""
    if row.times == 1:
        return row.notation
    params, macs = (numbers.count(value // row.times, units) for value in (row.params, row.macs))
    return f"{row.notation}, each {params} params, {macs} MACs"


def _total(cost: NetworkCost, units: Units) -> Total:
    totals = cost.totals
    return Total(
        [
            "total",
            numbers.plural(totals.layers, "layer"),
            "",
            at_least(numbers.count(totals.params, units), cost.is_lower_bound("params")),
            at_least(numbers.count(totals.macs, units), cost.is_lower_bound("macs")),
            "",
            Bar(0, 1),
            at_least(numbers.count(totals.flops, units), cost.is_lower_bound("flops")),
            numbers.seen(cost.receptive_field, cost.input),
            numbers.field(cost.local_receptive_field),
            at_least(numbers.count(totals.stored_params, units), cost.is_lower_bound("stored_params")),
            at_least(numbers.size(totals.size_bytes, units), cost.is_lower_bound("size_bytes")),
            numbers.count(totals.masked, units),
            numbers.count(totals.state + totals.state_once, units),
        ]
    )


def without(table: Table, hidden: set[int]) -> Table:
    """A table with fewer columns."""

    def rest(cells: Sequence[Cell]) -> list[Cell]:
        return [cell for index, cell in enumerate(cells) if index not in hidden]

    fewer = Table([column for index, column in enumerate(table.columns) if index not in hidden])
    for row in table.rows:
        if isinstance(row, Section):
            fewer.rows.append(row)
        else:
            fewer.rows.append(Total(rest(row.cells)) if isinstance(row, Total) else rest(row))
    return fewer


def at_least(text: str, unknown: bool) -> str:
    """Marks a number that is a lower bound."""
    return f"≥ {text}" if unknown else text


def flops_title(convention: Convention) -> str:
    """`FLOPs` is never said without saying whose."""
    return "MACs" if convention.column == "macs" else f"FLOPs ({convention.name})"


def totals_table(cost: NetworkCost, units: Units) -> Table:
    """Every total with its exact value and what it consists of."""
    totals = cost.totals
    table = Table([Column(""), number(""), Column("", drop=1, least=20, cut="wrap")])

    def add(name: str, quantity: str, value: int, remark: str) -> None:
        table.rows.append([name, at_least(f"{value:,}", cost.is_lower_bound(quantity)), remark])

    kinds = [(totals.weights, "weights"), (totals.biases, "biases"), (totals.norm_params, "of norms")]
    parts = " + ".join(f"{numbers.count(value, units)} {name}" for value, name in kinds if value)
    buffers = f"; {numbers.count(totals.buffers, units)} buffers besides" if totals.buffers else ""
    add("params", "params", totals.params, parts + buffers)
    if totals.trainable_params != totals.params:
        share = numbers.percent(totals.trainable_params, totals.params)
        add("trainable", "trainable_params", totals.trainable_params, f"params that are not frozen, {share}")
    experts = used(cost)
    if experts:
        share = numbers.percent(totals.active_params, totals.params)
        add("active", "active_params", totals.active_params, f"params that work on one token, {share}")
        table.rows.append(["experts", "", "; ".join(experts)])
    if cost.is_sparse:
        add(
            "stored",
            "stored_params",
            totals.stored_params,
            f"params that are not zero, {numbers.percent(totals.stored_params, totals.params)}",
        )
    add("size", "size_bytes", totals.size_bytes, f"bytes at {stored_as(cost)} = {numbers.size(totals.size_bytes)}")
    add("MACs", "macs", totals.macs, macs_remark(cost))
    if cost.is_stepped and totals.macs_once:
        over = numbers.listed([f"`{name}`" for name in cost.graph.step])
        what = "MACs besides" if cost.phase.in_step else "MACs of these"
        add("once", "macs_once", totals.macs_once, f"{what} that a step over {over} does not repeat")
    if cost.convention.column != "macs":
        add(flops_title(cost.convention), "flops", totals.flops, flops_remark(cost))
    add("connections", "connections", totals.connections, "as LeCun et al. 1998 count")
    add("neurons", "neurons", totals.neurons, "outputs of layers with weights")
    peak = at_least(numbers.count(totals.peak_activations, units), cost.is_lower_bound("peak_activations"))
    add(
        "activations",
        "activations",
        totals.activations,
        f"elements in all; {peak} at once",
    )
    if cost.is_stepped:
        once = f", and {totals.state_once:,} that are computed once" if totals.state_once else ""
        size = f"{totals.state_bytes:,} bytes at {cost.state_dtype} = {numbers.size(totals.state_bytes)}"
        add("state", "state", totals.state, f"elements that the next step reads{once}; {size}")
    pooled = at_least(f"{totals.depth_with_pooling}", cost.is_lower_bound("depth_with_pooling"))
    add("depth", "depth", totals.depth, f"layers with weights on the longest path; {pooled} with pooling")
    seen = cost.receptive_field
    if seen:
        of = numbers.extents(cost.input.spatial)
        where = f"{'positions' if cost.input.rank == 1 else 'pixels'} of {of}; jump {numbers.jump(seen)}"
        if seen.is_global:
            where += "; every position sees them" if numbers.seen(seen, cost.input) != "whole" else "; the whole input"
        table.rows.append(["receptive field", numbers.field(seen), where])
    local = cost.local_receptive_field
    if local and local != seen:
        where = f"by the path without global operations; jump {numbers.jump(local)}"
        table.rows.append(["local field", numbers.field(local), where])
    return table


def macs_remark(cost: NetworkCost) -> str:
    """What the MACs are, and how many of them are masked."""
    masked = cost.totals.masked
    of_step = " of one step" if cost.phase.in_step else ""
    text = f"multiply-accumulate pairs{of_step}"
    return f"{text}; {masked:,} of them ({numbers.percent(masked, cost.totals.macs)}) masked" if masked else text


def used(cost: NetworkCost) -> list[str]:
    """How many experts there are, are computed, and are expected to be used by all tokens together."""
    found: dict[tuple[int, int, int], None] = {}
    for node in cost.graph.nodes:
        experts, top = map(int, node.operator.copies)
        if experts != top:
            tokens = cost.batch * int(node.y.positions)
            found[experts, top, tokens] = None
    lines = []
    for experts, top, tokens in found:
        line = f"{experts:,} stored, {top:,} computed at each position"
        if tokens <= EXACT_UP_TO:
            distinct = distinct_experts(experts, top, tokens)
            expected = numbers.decimal(distinct.numerator, distinct.denominator, 1)
            use = "uses" if tokens == 1 else "use"
            line += f"; {numbers.plural(tokens, 'token')} {use} {expected} different ones, expected of {ASSUMPTION}"
        lines.append(line)
    return lines


def flops_remark(cost: NetworkCost) -> str:
    """How the FLOPs of this convention come about."""
    return " + ".join(term.words if term.worth == 1 else f"{term.worth} x {term.words}" for term, _ in terms_of(cost))


def is_compressed(cost: NetworkCost) -> bool:
    """Whether less, or something else, is stored than the params at the dtype."""
    return cost.is_sparse or cost.is_quantised


def stored_as(cost: NetworkCost) -> str:
    """How a parameter is stored: `fp32`, `8 bits`, `5 to 8 bits`, `q4_k and q6_k, biases and norms fp32`."""
    if not cost.is_quantised:
        return cost.dtype
    blocks = [word for word in cost.storage.bits if isinstance(word, str)]
    numbers_of_bits = [str(word) for word in cost.storage.bits if isinstance(word, int)]
    words = [*blocks, *([f"{_span(numbers_of_bits)} bits"] if numbers_of_bits else [])]
    return numbers.listed(words) + (f", biases and norms {cost.dtype}" if blocks else "")


def storage_parts(cost: NetworkCost) -> list[str]:
    """What is assumed of the storage, and what is not counted: for a footer."""
    parts = [stored_as(cost)]
    missing = []
    if cost.is_sparse:
        densities = [numbers.exact(density) for density in cost.storage.densities]
        parts.append(f"density {_span(densities)}")
        missing.append("indices of sparse weights")
    if cost.is_sparse or any(isinstance(word, int) and word != DTYPES[cost.dtype] for word in cost.storage.bits):
        missing += ["codebooks", "Huffman coding"]  # blocks of a format hold all that it stores
        parts.append(f"not in the size: {numbers.listed(missing)}")
    return parts


def _span(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{values[0]} to {values[-1]}"


def remarks(cost: NetworkCost) -> list[str]:
    """What a reader must know besides the numbers."""
    found = list(cost.remarks)
    if cost.heads and not cost.with_heads and not cost.scope:
        which = numbers.listed(cost.heads)
        are = "heads are" if len(cost.heads) > 1 else "head is"
        found.append(f"{len(cost.heads)} {are} for training only and left out ({which}): --with-heads counts them.")
    if cost.totals.at_least:
        unknown = [layer for layer in cost.layers if layer.status == "unknown"]
        names = numbers.listed([layer.name for layer in unknown[:5]] + (["others"] if len(unknown) > 5 else []))
        found.append(f"Totals marked ≥ are lower bounds: the cost of {names} is not known.")
    if cost.is_field_cut_off:
        found.append("The receptive field is a lower bound: what positions see repeats too late to be followed.")
    if cost.space is not None:
        found.append(space_text(cost.space))
    untold = not_compared(cost)
    if untold:
        found.append(f"What {cost.convention.name} counts of {numbers.listed(untold)} was not compared with the tool.")
    return found


MOST_VALUES = 6  # of an axis that are written out


def space_text(space: Space) -> str:
    """How many networks a spec says there are, exactly, and what varies."""
    axes = []
    for axis in space.axes:
        values = ", ".join(axis.values) if len(axis.values) <= MOST_VALUES else f"{axis.size:,} values"
        axes.append(f"{axis.name} {values}" + (f" ({axis.times} times)" if axis.times > 1 else ""))
    return f"One of {space.size:,} in its space: {'; '.join(axes)}."


def meant(cost: NetworkCost, others: Sequence[NetworkCost], units: Units) -> list[str]:
    """What libraries call by the name of a network, where it costs something else."""
    found = []
    for other in others:
        differing = [
            f"{numbers.count(getattr(other.totals, name), units)} {word}"
            for name, word in (("macs", "MACs"), ("params", "params"))
            if getattr(other.totals, name) != getattr(cost.totals, name)
        ]
        if differing:
            library = other.name.partition("@")[2]
            found.append(f"{library}'s {cost.name} ({', '.join(differing)}) is {other.name}.")
    return found


def footer(cost: NetworkCost) -> Paragraph:
    """Under which assumptions the numbers hold, and how much of the network they cover."""
    totals = cost.totals
    parts = [
        f"convention {cost.convention.name}",
        f"batch {cost.batch}",
        f"input {cost.input_text}",
        *storage_parts(cost),
        f"{numbers.plural(totals.counted, 'operation')} counted, {totals.zero} declared zero, {totals.unknown} unknown",
    ]
    if cost.settings:
        parts.insert(3, ", ".join(f"{name}={value}" for name, value in cost.settings.items()))
    return Paragraph(" | ".join(parts), quiet=True)
