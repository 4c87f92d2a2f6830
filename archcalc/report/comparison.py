"""Networks side by side: which is cheaper, where, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archcalc.engine.compare import Quantity, cause
from archcalc.report.media import numbers
from archcalc.report.media.blocks import Bar, Cell, Column, Document, Heading, Paragraph, Table, bar, number
from archcalc.report.media.numbers import Units
from archcalc.report.show import at_least, flops_title, headline, is_compressed, remarks, storage_parts, stored_as, used
from archcalc.results.comparison import Comparison, Split
from archcalc.results.cost import LayerCost, NetworkCost

SIDE_BY_SIDE = 3  # more networks stand one below the other
WORDS: dict[str, str] = {"macs": "MACs", "params": "params"}
PLURALS = {"stage": "Stages", "part": "Parts", "layer": "Layers", "op": "Operations", "type": "Types of operation"}


def compared(
    comparison: Comparison,
    units: Units,
    parts: Sequence[Sequence[LayerCost]],
    what: str = "stage",
    top: int = 12,
    is_sorted: bool = False,
    measured: Document | None = None,
) -> Document:
    """The verdict, the totals, the time that was measured, where the costs are, and what each network consists of.

    `parts` are the rows of each network's own table and `what` is what one of them is; `is_sorted` says that their
    order was asked for, so that the first `top` are shown and not the dearest.
    """
    networks = comparison.networks
    names = labels(networks)
    document: Document = [Paragraph(sentence) for sentence in verdict(comparison, names)]
    if len(networks) <= SIDE_BY_SIDE:
        document.append(totals_side_by_side(networks, names, units))
        document += measured or []
        document.append(Heading("MACs and params by map size (extents of what a layer gives)"))
        document.append(division(comparison.by_map_size, names, "map", units))
        document.append(Heading("MACs and params by kind of operation"))
        document.append(division(comparison.by_kind, names, "kind", units))
    else:
        document.append(totals_in_rows(networks, names, units))
        document += measured or []
        for title, splits in (("map size", comparison.by_map_size), ("kind of operation", comparison.by_kind)):
            for quantity in ("macs", "params"):
                document.append(Heading(f"{WORDS[quantity]} by {title}"))
                document.append(division_in_rows(splits, names, quantity, units))
    for cost, name, rows in zip(networks, names, parts, strict=True):
        table = parts_of(cost, rows, units, what, top, is_sorted)
        if table.rows:
            document += [Heading(f"{PLURALS[what]} of {name}"), table]
    for cost, name in zip(networks, names, strict=True):
        document.extend(Paragraph(f"{name}: {remark[0].lower() + remark[1:]}") for remark in remarks(cost))
    document.append(footer(networks, names))
    return document


def labels(networks: Sequence[NetworkCost]) -> list[str]:
    """Names, numbered where a name comes twice."""
    names = [cost.name for cost in networks]
    return [
        name if names.count(name) == 1 else f"{name} ({names[: index + 1].count(name)})"
        for index, name in enumerate(names)
    ]


# sentences


def verdict(comparison: Comparison, names: Sequence[str]) -> list[str]:
    """Which is cheaper and by how much; then where the difference lies."""
    networks = comparison.networks
    if len(networks) < 2:
        return [f"{headline(networks[0])}."]
    bounds = [name for name, cost in zip(names, networks, strict=True) if cost.is_lower_bound("macs")]
    caution = (
        [f"The MACs of {numbers.listed(bounds)} are lower bounds: some operations are of unknown cost."]
        if bounds
        else []
    )
    within = f"In {networks[0].scope}, " if networks[0].scope else ""
    if len(networks) == 2:
        sentences = [within + _of_two(networks, names), *_stored(networks, names)]
        return [" ".join(sentences), *_where(comparison, names, 0, 1), *caution]
    order = sorted(range(len(networks)), key=lambda index: networks[index].totals.macs)
    sentences = [_of_many(networks, names, quantity) for quantity in ("macs", "params")]
    return [within + " ".join(sentences), *_where(comparison, names, order[0], order[-1]), *caution]


def _of_two(networks: Sequence[NetworkCost], names: Sequence[str]) -> str:
    first, second = networks
    mine = {name: getattr(first.totals, name) for name in WORDS}
    other = {name: getattr(second.totals, name) for name in WORDS}
    if mine == other:
        return f"{names[0]} and {names[1]} need the same MACs and the same params."
    subject, object_ = names
    fewer = {name: mine[name] < other[name] for name in WORDS}
    if not fewer["macs"] and mine["macs"] != other["macs"]:  # the one that is cheaper to run is the subject
        subject, object_, mine, other = object_, subject, other, mine
        fewer = {name: mine[name] < other[name] for name in WORDS}
    if any(0 in (mine[name], other[name]) and mine[name] != other[name] for name in WORDS):  # no ratio
        amounts = [" and ".join(f"{numbers.count(of[name])} {WORDS[name]}" for name in WORDS) for of in (mine, other)]
        return f"{subject} needs {amounts[0]}, {object_} {amounts[1]}."
    said = []
    for name, word in WORDS.items():
        if mine[name] == other[name]:
            said.append(f"the same {word}")
        else:
            larger, smaller = max(mine[name], other[name]), min(mine[name], other[name])
            said.append(f"{numbers.times(larger, smaller)} {'fewer' if fewer[name] else 'more'} {word}")
    if mine["macs"] == other["macs"] or mine["params"] == other["params"]:
        same = [text for text in said if text.startswith("the same")]
        rest = [text for text in said if not text.startswith("the same")]
        return f"{subject} needs {rest[0]} than {object_}, and {same[0]}."
    joined = "and" if fewer["macs"] == fewer["params"] else "but"
    return f"{subject} needs {said[0]} {joined} {said[1]} than {object_}."


def _stored(networks: Sequence[NetworkCost], names: Sequence[str]) -> list[str]:
    """Which takes less room, where one of two is compressed: else the params have said it."""
    sizes = [cost.totals.size_bytes for cost in networks]
    if not any(map(is_compressed, networks)) or 0 in sizes or sizes[0] == sizes[1]:
        return []
    less, more = (0, 1) if sizes[0] < sizes[1] else (1, 0)
    fewer = numbers.times(sizes[more], sizes[less])
    of = [f"{numbers.size(sizes[index])} at {stored_as(networks[index])}" for index in (less, more)]
    return [f"{names[less]} is stored in {fewer} less: {of[0]} against {of[1]}."]


def _of_many(networks: Sequence[NetworkCost], names: Sequence[str], quantity: Quantity) -> str:
    values = [getattr(cost.totals, quantity) for cost in networks]
    low, high = min(values), max(values)
    if low == high:
        return f"All need the same {WORDS[quantity]}."
    least, most = names[values.index(low)], names[values.index(high)]
    times = f", {numbers.times(high, low)} as many" if low else ""
    fewest = f"{least} needs the fewest {WORDS[quantity]} ({numbers.count(low)})"
    return f"{fewest}, {most} the most ({numbers.count(high)}{times})."


def _where(comparison: Comparison, names: Sequence[str], one: int, other: int) -> list[str]:
    """Where most of the difference in MACs, and in params, lies; and what makes it."""
    totals = [cost.totals for cost in comparison.networks]
    found = []
    for quantity in ("macs", "params"):
        values = [getattr(of, quantity) for of in totals]
        if values[one] == values[other]:
            continue
        cheaper, dearer = (one, other) if values[one] < values[other] else (other, one)
        kinds = cause(comparison.by_kind, cheaper, dearer, quantity)
        places = [f"{_most(kinds.part, kinds.whole)} in {numbers.listed(kinds.labels)}"]
        maps = cause(comparison.by_map_size, cheaper, dearer, quantity)
        if kinds.labels != ("linear",) and 2 * maps.part >= maps.whole:  # else they are spread over many
            places.insert(0, f"{_most(maps.part, maps.whole)} on maps of {numbers.listed(maps.labels)}")
        more = numbers.count(values[dearer] - values[cheaper])
        found.append(f"The extra {more} {WORDS[quantity]} of {names[dearer]}: {', '.join(places)}.")
        if quantity == "macs":
            found.extend(_why(comparison.by_kind[kinds.labels[0]], kinds.labels[0], names, cheaper, dearer))
    return [" ".join(found)] if found else []


def _why(parts: Sequence[Split], kind: str, names: Sequence[str], cheaper: int, dearer: int) -> list[str]:
    """MACs are outputs times inputs of each output: which of the two differs."""
    few, many = parts[cheaper], parts[dearer]
    if not few.operations:
        return [f"{names[cheaper]} has no {kind} layers."]
    if not (few.outputs and many.outputs and few.macs and many.macs):
        return []
    outputs = "" if many.outputs == few.outputs else f"{numbers.ratio(many.outputs, few.outputs)} "
    inputs = numbers.ratio(many.macs * few.outputs, few.macs * many.outputs)
    return [f"Its {kind} layers give {outputs}as many outputs, each from {inputs} as many inputs."]


def _most(part: int, whole: int) -> str:
    return "all" if part >= whole else f"{100 * part // whole}%"


# totals

Figure = tuple[str, Callable[[NetworkCost], int | None], Callable[[NetworkCost], str]]


def figures(networks: Sequence[NetworkCost], units: Units) -> list[Figure]:
    """Quantities that are compared: name, number (None: no ratio), text."""

    def counted(name: str) -> tuple[Callable[[NetworkCost], int], Callable[[NetworkCost], str]]:
        return (
            lambda cost: int(getattr(cost.totals, name)),
            lambda cost: at_least(numbers.count(getattr(cost.totals, name), units), cost.is_lower_bound(name)),
        )

    convention = networks[0].convention
    flops: list[Figure] = [(flops_title(convention), *counted("flops"))] if convention.column != "macs" else []
    are_stepped = any(cost.is_stepped for cost in networks)

    def where(title: str, name: str, is_told: bool) -> list[Figure]:
        return [(title, *counted(name))] if is_told and any(getattr(of.totals, name) for of in networks) else []

    def of_state(cost: NetworkCost) -> str:
        return numbers.size(cost.totals.state_bytes, units)

    return [
        ("params", *counted("params")),
        ("of them weights", *counted("weights")),
        *where("of them trainable", "trainable_params", any(_is_frozen(cost) for cost in networks)),
        *where("of them active", "active_params", any(used(cost) for cost in networks)),
        *([("stored params", *counted("stored_params"))] if any(cost.is_sparse for cost in networks) else []),
        (
            size_title(networks),
            lambda cost: cost.totals.size_bytes,
            lambda cost: at_least(numbers.size(cost.totals.size_bytes, units), cost.is_lower_bound("size_bytes")),
        ),
        ("MACs", *counted("macs")),
        *where("masked MACs", "masked", is_told=True),
        *where("MACs once", "macs_once", are_stepped),
        *flops,
        ("connections", *counted("connections")),
        ("neurons", *counted("neurons")),
        ("activations", *counted("activations")),
        ("activations at once", *counted("peak_activations")),
        *where("state", "state", are_stepped),
        *where("state once", "state_once", are_stepped),
        *([("state in bytes", lambda cost: cost.totals.state_bytes, of_state)] if are_stepped else []),
        ("layers", *counted("layers")),
        ("depth", *counted("depth")),
        ("depth with pooling", *counted("depth_with_pooling")),
        ("receptive field", lambda _: None, lambda cost: numbers.seen(cost.receptive_field, cost.input)),
        ("jump", lambda _: None, lambda cost: numbers.jump(cost.receptive_field)),
        ("local field", lambda _: None, lambda cost: numbers.field(cost.local_receptive_field)),
        ("local jump", lambda _: None, lambda cost: numbers.jump(cost.local_receptive_field)),
        ("input", lambda _: None, lambda cost: cost.input_text),
    ]


def _is_frozen(cost: NetworkCost) -> bool:
    return cost.totals.trainable_params != cost.totals.params


def size_title(networks: Sequence[NetworkCost]) -> str:
    """What the size is taken at, where it is the same for all."""
    found = {stored_as(cost) for cost in networks}
    return f"size at {found.pop()}" if len(found) == 1 else "size"


def totals_side_by_side(networks: Sequence[NetworkCost], names: Sequence[str], units: Units) -> Table:
    """A row for each quantity; ratios are to the first network."""
    columns = [Column(""), number(names[0], least=11)]
    for name in names[1:]:
        columns += [number(name, least=12), number("ratio" if len(networks) == 2 else "to first", drop=1)]
    table = Table(columns)
    for title, value, text in figures(networks, units):
        cells: list[Cell] = [title, text(networks[0])]
        first = value(networks[0])
        for cost in networks[1:]:
            mine = value(cost)
            cells += [text(cost), numbers.ratio(mine, first) if mine is not None and first is not None else ""]
        table.rows.append(cells)
    return table


def totals_in_rows(networks: Sequence[NetworkCost], names: Sequence[str], units: Units) -> Table:
    """A row for each network."""
    wanted = {
        "params": 0,
        "MACs": 0,
        "depth": 5,
        "input": 4,
        "receptive field": 15,
        "local field": 3,
        "activations at once": 12,
    }
    wanted |= {size_title(networks): 11, "stored params": 9, "connections": 13, "neurons": 14, "layers": 10}
    chosen = [figure for figure in figures(networks, units) if figure[0] in wanted]
    columns = [Column("network", least=24)]
    for title, _, _ in chosen:
        columns.append(number(title, wanted[title]))
        if title in ("params", "MACs"):
            columns.append(number("ratio", 2))
    table = Table(columns)
    for cost, name in zip(networks, names, strict=True):
        cells: list[Cell] = [name]
        for title, value, text in chosen:
            cells.append(text(cost))
            if title in ("params", "MACs"):
                cells.append(numbers.ratio(value(cost) or 0, value(networks[0]) or 0))
        table.rows.append(cells)
    return table


# divisions


def division(splits: dict[str, list[Split]], names: Sequence[str], title: str, units: Units) -> Table:
    """MACs with bars of one scale, and params; three columns for each network."""
    columns = [Column(title)]
    for name in names:
        columns += [number(name, least=12), number("params", drop=1), bar(drop=0)]
    table = Table(columns)
    most = max((split.macs for parts in splits.values() for split in parts), default=0)
    for label, parts in splits.items():
        cells: list[Cell] = [label]
        for split in parts:
            is_there = split.operations > 0
            cells.append(numbers.count(split.macs, units) if is_there else "-")
            cells += [numbers.count(split.params, units) if is_there else "-", Bar(split.macs, most)]
        table.rows.append(cells)
    return table


def division_in_rows(
    splits: dict[str, list[Split]],
    names: Sequence[str],
    quantity: Quantity,
    units: Units,
    gone: frozenset[str] = frozenset(),
) -> Table:
    """A row for each network, a column for each label, the largest eight; where there is no room, the smallest go.

    What is left out, for either reason, is in the last column.
    """
    largest = sorted(splits, key=lambda label: -max(getattr(part, quantity) for part in splits[label]))
    largest = [label for label in largest if any(getattr(part, quantity) for part in splits[label])]
    chosen = [label for label in splits if label in largest[:8] and label not in gone]
    rest = [label for label in largest if label not in chosen]
    columns = [Column("network", least=24), *(number(label, drop=1 + largest.index(label)) for label in chosen)]
    if rest:
        columns.append(number("others"))
    table = Table(columns, without=lambda more: division_in_rows(splits, names, quantity, units, more))
    for index, name in enumerate(names):
        cells: list[Cell] = [name]
        for label in chosen:
            split = splits[label][index]
            cells.append(numbers.count(getattr(split, quantity), units) if split.operations else "-")
        if rest:
            cells.append(numbers.count(sum(getattr(splits[label][index], quantity) for label in rest), units))
        table.rows.append(cells)
    return table


def parts_of(
    cost: NetworkCost, found: Sequence[LayerCost], units: Units, what: str, top: int, is_sorted: bool
) -> Table:
    """Rows of a network in order, the dearest `top` of them or the first, with their parts of its costs."""
    rows = [row for row in found if row.macs or row.params]
    dearest = rows if is_sorted else sorted(rows, key=lambda row: (-row.macs, -row.params))
    kept = rows if len(rows) == top + 1 else dearest[:top]
    has_output = what != "type"  # which is no place in the network
    table = Table(
        [
            Column(what, least=14),
            *has_output * [number("output", drop=2)],
            number("params"),
            number("of all", drop=3),
            number("MACs"),
            number("of all"),
            bar(),
        ]
    )
    totals = cost.totals
    most = max((row.macs for row in rows), default=0)

    def cells(name: str, output: str, members: Sequence[LayerCost]) -> list[Cell]:
        macs, params = sum(row.macs for row in members), sum(row.params for row in members)
        return [
            name,
            *has_output * [output],
            numbers.count(params, units),
            numbers.percent(params, totals.params),
            numbers.count(macs, units),
            numbers.percent(macs, totals.macs),
            Bar(macs, most),
        ]

    chosen = [row for row in rows if row in kept]
    table.rows.extend(cells(row.name, str(row.out_shape), [row]) for row in chosen)
    others = [row for row in rows if row not in kept]
    if others:
        table.rows.append(cells(f"{len(others)} others", "", others))
    return table


def footer(networks: Sequence[NetworkCost], names: Sequence[str]) -> Paragraph:
    """Under which assumptions the numbers hold, and how much of each network they cover."""
    first = networks[0]
    inputs = list(dict.fromkeys(cost.input_text for cost in networks))
    parts = [f"scope {first.scope}"] if first.scope else []
    parts += [f"convention {first.convention.name}", f"batch {first.batch}"]
    parts.append(f"input {inputs[0]}" if len(inputs) == 1 else f"inputs differ: {', '.join(inputs)}")
    stored = [storage_parts(cost) for cost in networks]
    if all(part == stored[0] for part in stored):
        parts += stored[0]
    else:
        parts += [f"{name}: {', '.join(part)}" for name, part in zip(names, stored, strict=True)]
    coverage = [(cost.totals.counted, cost.totals.zero, cost.totals.unknown) for cost in networks]
    if all(not unknown for _, _, unknown in coverage):
        parts.append("no operation of unknown cost")
    else:
        unknown = [f"{name} {of[2]}" for name, of in zip(names, coverage, strict=True) if of[2]]
        parts.append(f"operations of unknown cost: {', '.join(unknown)}")
    each = "; ".join(f"{name} {of[0]} counted, {of[1]} zero" for name, of in zip(names, coverage, strict=True))
    parts.append(each)
    return Paragraph(" | ".join(parts), quiet=True)
