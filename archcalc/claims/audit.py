"""Somebody's table held against our specs: each figure right, explained by a convention or variant, or wrong.

An explanation is exact at the printed digits. The simplest comes first: one deviation from what the column says, then
two; but few digits can be explained by anything, so that a deviation takes two of them and two deviations take three,
unless they are a variant whose multiply-accumulates are doubled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

from archcalc.claims.printed import PrintError, Quotient, read_printed
from archcalc.claims.tables import Heading, Record, figure_text, has_no_unit, heading, read_table
from archcalc.engine.cost.conventions import CONVENTIONS
from archcalc.engine.network import Network, cost_of_graph, load
from archcalc.graph import Graph
from archcalc.results.audit import Audit, Figure, Judgement
from archcalc.results.cost import DTYPES, NetworkCost
from archcalc.source import Diagnostic, Source, SpecError, suggest_many
from archcalc.spec.library import all_names, index, looks_like_file

RESOLUTIONS = (224, 227, 231, 256, 288, 299, 320, 331, 384, 448, 512, 192, 160, 128, 96, 64, 32)
BATCHES = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 10, 100)
CLASSES = (1000, 1001, 100, 10, 21)
FLOPS = ("macs", "two_per_mac", "arithmetic")  # what a column of FLOPs may mean without being wrong
# Of 200 made-up GMACs, 0.3 to 3 times those of five networks, 95 were explained at one digit, 81 at two, 33 at three.
DIGITS_FOR_ONE, DIGITS_FOR_TWO = 2, 3
_UNITS = ("M", "G", "K")  # tried where neither the column nor the cell names one
_PARTS = {
    "params": ("without biases", "without norms", "weights alone", "with buffers", "without linear layers"),
    "macs": ("without linear layers",),
    "flops": ("without linear layers",),
}


class _Case(NamedTuple):
    """A way to arrive at a figure: what the column says, or a deviation from it."""

    network: str
    quantity: str
    convention: str = "macs"  # of FLOPs
    resolution: int | None = None
    classes: int | None = None
    with_heads: bool = False
    part: str = ""
    factor: Fraction = Fraction(1)
    dtype: str = "fp32"
    thousand: int = 1000


class _Deviation(NamedTuple):
    """A change of a case, in words; of each kind there is one at a time."""

    kind: str
    words: str
    change: Mapping[str, Any]


# Pairs of deviations that people make.
_TOGETHER = {
    frozenset(pair)
    for pair in [
        *((("variant", kind)) for kind in ("convention", "resolution", "heads", "part", "classes", "batch", "dtype")),
        ("convention", "resolution"),
        ("convention", "heads"),
        ("convention", "batch"),
        ("heads", "part"),
    ]
}


def audit(source: Source) -> Audit:
    """Every figure of a table.

    Raises:
        SpecError: it is no table, it names no column that is computed, or a network of it does not read.
    """
    columns, records = read_table(source)
    headings = [found for found in map(heading, columns) if found is not None]
    models = [found.column for found in headings if found.quantity == "model"]
    wanted = [found for found in headings if found.quantity != "model"]
    if not models or not wanted:
        missing = "no column of models" if not models else "no column that is computed"
        message = f"{source.name} has {missing}; its columns are {', '.join(columns) or 'none'}"
        help = "name one `model`, and others `params`, `params (M)`, `macs`, `GFLOPs`"
        raise SpecError([Diagnostic("no-column", message, help=help)])
    networks = {record.cells.get(models[0], ""): _network(record.cells.get(models[0], "")) for record in records}
    figures: dict[tuple[int, str], Figure] = {}  # by row and column
    for column in wanted:
        cells = [(row, record, record.cells.get(column.column, "")) for row, record in enumerate(records)]
        cells = [(row, record, cell) for row, record, cell in cells if _says_something(cell)]
        known = [(networks[record.cells.get(models[0], "")][0], cell) for _, record, cell in cells]
        convention = _convention_of(column, known)
        for row, record, cell in cells:
            model = record.cells.get(models[0], "")
            network, meant = networks[model]
            figures[row, column.column] = _judged(record, model, network, meant, column, cell, convention)
    read = {models[0], *(column.column for column in wanted)}
    places = [(row, column.column) for row in range(len(records)) for column in wanted]
    in_order = [figures[place] for place in places if place in figures]
    return Audit(source.name, len(records), tuple(in_order), tuple(each for each in columns if each not in read))


def _says_something(cell: str) -> bool:
    return bool(cell) and cell.lower() not in ("-", "n/a", "na", "none", "null", "\N{EN DASH}", "\N{EM DASH}", "?")


# networks


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9@]", "", name.lower())


def _loosely(key: str) -> str:
    """SqueezeNet v1.0 is squeezenet1_0, vgg16_bn is vgg16@bn."""
    return re.sub(r"v(?=[0-9])|@", "", key)


@cache
def _names() -> dict[str, str]:
    """Names of the library without marks and case, and their spelling."""
    spellings = {_plain(spelling): spelling for spelling, _ in index().values()}
    loose: dict[str, list[str]] = {}
    for key, spelling in spellings.items():
        loose.setdefault(_loosely(key), []).append(spelling)
    return {key: of[0] for key, of in loose.items() if len(of) == 1} | spellings


def _network(model: str) -> tuple[str, str]:
    """The network of a model's name, or nothing and what may have been meant."""
    if looks_like_file(model):
        return model, ""
    without = re.sub(r"\(.*?\)|\[.*?\]|[*†‡§]", " ", model)
    for key in (_plain(model), _plain(without), _loosely(_plain(without))):
        spelling = _names().get(key)
        if spelling is not None:
            return (spelling, "") if _counts(spelling) else ("", f"a family: name one of {_members(spelling)}")
    near = dict.fromkeys(_names()[name] for name in suggest_many(_plain(without), _names()))
    return "", f"did you mean {' or '.join(near)}?" if near else ""


def _members(family: str) -> str:
    """The networks of a family, the first of them where they are many."""
    names = all_names([dict(index().values())[family]])
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _counts(name: str) -> bool:
    try:
        _loaded(name)
    except SpecError:
        return False
    return True


@cache
def _loaded(name: str) -> Network:
    return load(name)


def _variants(name: str) -> list[str]:
    """Other definitions of a network: `resnet50@torchvision` for `resnet50`."""
    base = name.partition("@")[0]
    return [each for each in dict.fromkeys(_names().values()) if each.partition("@")[0] == base and each != name]


# what is computed


@cache
def _graph(name: str, resolution: int | None, classes: int | None, with_heads: bool) -> Graph | None:
    """The network under a case; None where there is none."""
    network = _loaded(name)
    settings = {"resolution": resolution, "classes": classes}
    given = {key: value for key, value in settings.items() if value is not None}
    if not given.keys() <= network.spec.settable.keys() or (with_heads and not network.spec.heads):
        return None
    try:
        return network.graph(given, with_heads=with_heads)
    except SpecError:
        if not given:
            raise
        return None


@cache
def _cost(case: _Case) -> NetworkCost | None:
    graph = _graph(case.network, case.resolution, case.classes, case.with_heads)
    if graph is None:
        return None
    return cost_of_graph(_loaded(case.network), graph, 1, {}, "fp32", case.convention, case.with_heads)


def _value(case: _Case) -> Fraction | None:
    """What a case comes to; None where it says nothing of this network, or nothing is known."""
    cost = _cost(case._replace(quantity="", part="", factor=Fraction(1), dtype="fp32", thousand=1000))
    if cost is None or cost.totals.at_least:
        return None
    totals = cost.totals
    if case.quantity == "size_bytes":
        return Fraction(totals.params * DTYPES[case.dtype], 8) * case.factor
    value = int(getattr(totals, "macs" if case.quantity == "flops" and case.convention == "macs" else case.quantity))
    match case.part:
        case "without biases":
            value -= totals.biases
        case "without norms":
            value -= totals.norm_params
        case "weights alone":
            value = totals.weights
        case "with buffers":
            value += totals.buffers
        case "without linear layers":
            value -= sum(int(getattr(layer, case.quantity)) for layer in cost.layers if layer.type == "linear")
    return value * case.factor


# judging


def _readings(column: Heading, cell: str) -> list[tuple[str, str]]:
    """A cell's text with its unit, and what was assumed of that."""
    text = figure_text(cell, column.unit)
    if column.unit or not has_no_unit(text) or (text.replace(",", "").isdecimal() and len(text) > 4):
        return [(text, "")]
    return [(text, ""), *((f"{text}{unit}", f"read as {unit}") for unit in _UNITS)]


def _agrees(text: str, case: _Case) -> bool:
    value = _value(case)
    return value is not None and read_printed(text, case.thousand).agreement(value) is not None


def _convention_of(column: Heading, cells: Sequence[tuple[str, str]]) -> str:
    """What a column of FLOPs means: the convention under which most of it is right."""
    if column.quantity != "flops":
        return "macs"

    def right(convention: str) -> int:
        cases = [(_Case(network, "flops", convention), cell) for network, cell in cells if network]
        return sum(
            any(_reads(text) and _agrees(text, case) for text, _ in _readings(column, cell)) for case, cell in cases
        )

    return max(FLOPS, key=right)


def _reads(text: str) -> bool:
    try:
        return len(read_printed(text).figures) == 1
    except PrintError:
        return False


def _judged(
    record: Record, model: str, network: str, meant: str, column: Heading, cell: str, convention: str
) -> Figure:
    """One cell."""

    def figure(judgement: Judgement, computed: int | None, why: str = "", **more: Any) -> Figure:
        place = (record.line, model, network, column.column, column.quantity, cell)
        return Figure(*place, judgement, computed, why, **more)

    if not network:
        return figure("unknown model", None, meant)
    readings = [(text, words) for text, words in _readings(column, cell) if _reads(text)]
    if not readings:
        return figure("unread", None, "no figure")
    plain = _Case(network, column.quantity, convention)
    value = _value(plain)
    if value is None:
        return figure("unread", None, "an operation of this network is of unknown cost")
    computed = int(value)
    named = _named(convention) if column.quantity == "flops" else ""
    for text, words in readings:
        if _agrees(text, plain):
            return figure("right", computed, ", ".join(filter(None, [named, words])))
    for text, words in readings:
        found = _explanations(text, plain)
        if found:
            first, *others = [", ".join(filter(None, [each, words])) for each in found]
            return figure("explained", computed, first, others=tuple(others[:2]))
    text, words = _nearest(readings, value)
    factor = read_printed(text).figures[0].value / value if value else None
    return figure("wrong", computed, words, factor=factor)


def _nearest(readings: Sequence[tuple[str, str]], value: Fraction) -> tuple[str, str]:
    """The reading whose size is nearest: 3.1 beside 3,857,973,248 is 3.1 G."""

    def distance(reading: tuple[str, str]) -> Fraction:
        printed = read_printed(reading[0]).figures[0].value
        low, high = sorted([abs(printed), abs(value)])
        return high / low if low else Fraction(10**30)

    return min(readings, key=distance)


def _explanations(text: str, plain: _Case) -> list[str]:
    """Deviations that give the figure, all of the simplest sort; what comes to the same number is told once."""
    if _digits(text) < DIGITS_FOR_ONE:
        return []
    deviations = list(_deviations(plain))
    found: dict[Fraction | None, str] = {}
    for each in deviations:
        case = plain._replace(**each.change)
        if _agrees(text, case):
            found.setdefault(_value(case), each.words)
    if found:
        return list(found.values())
    for one, other in combinations(deviations, 2):
        is_usual = one.kind == "variant" and other.change.get("convention") in FLOPS
        if frozenset((one.kind, other.kind)) in _TOGETHER and (is_usual or _digits(text) >= DIGITS_FOR_TWO):
            case = plain._replace(**one.change)._replace(**other.change)
            if _agrees(text, case):
                found.setdefault(_value(case), f"{one.words}, {other.words}")
    return list(found.values())


def _digits(text: str) -> int:
    """Digits that count: 3 of 4.09G, 1 of 0.5G or ~60M, none of 0, nor of a bound, which many numbers keep to."""
    printed = read_printed(text)
    (figure,) = printed.figures
    if isinstance(figure, Quotient) or printed.precision not in ("", "about"):
        return 0
    return len(str(figure.value // (figure.unit or 1)).lstrip("0"))


def _named(convention: str) -> str:
    return {"macs": "1 for a multiply-accumulate", "two_per_mac": "2 for a multiply-accumulate"}.get(
        convention, "every operation"
    )


def _deviations(plain: _Case) -> Iterator[_Deviation]:
    """What may be meant instead, the most usual first."""
    is_work = plain.quantity in ("macs", "flops")
    for name in _variants(plain.network) if not looks_like_file(plain.network) else ():
        if _counts(name):
            yield _Deviation("variant", name, {"network": name})
    if is_work:
        yield from _conventions(plain)
    yield _Deviation("heads", "training heads counted", {"with_heads": True})
    for size in RESOLUTIONS if is_work or plain.quantity == "activations" else ():
        yield _Deviation("resolution", f"at {size}x{size}", {"resolution": size})
    for part in _PARTS.get(plain.quantity, ()):
        yield _Deviation("part", part, {"part": part})
    for classes in CLASSES:
        yield _Deviation("classes", f"{classes} classes", {"classes": classes})
    for dtype in ("fp16", "int8", "fp64") if plain.quantity == "size_bytes" else ():
        yield _Deviation("dtype", f"at {dtype}", {"dtype": dtype})
    if not is_work:
        yield _Deviation("factor", "doubled", {"factor": Fraction(2)})
    yield _Deviation("factor", "halved", {"factor": Fraction(1, 2)})
    for batch in BATCHES if plain.quantity not in ("params", "weights", "size_bytes") else ():
        yield _Deviation("batch", f"batch of {batch} left in", {"factor": Fraction(batch)})
    yield _Deviation("thousand", "1,024 for a thousand", {"thousand": 1024})
    for name in _neighbours(plain.network):
        yield _Deviation("neighbour", f"the figure of {name}", {"network": name})


def _conventions(plain: _Case) -> Iterator[_Deviation]:
    """Other conventions: those of papers, then those of tools."""
    own = "macs" if plain.quantity == "macs" else plain.convention
    for name in dict.fromkeys((*FLOPS, *CONVENTIONS)):
        if name == own:
            continue
        change = {"quantity": "flops", "convention": name}
        if name in FLOPS:
            words = "doubled" if (own, name) == ("macs", "two_per_mac") else _named(name)
            words = "halved: 1 for a multiply-accumulate" if (own, name) == ("two_per_mac", "macs") else words
        else:
            words = f"as {name} counts"
        yield _Deviation("convention", words, change)


@cache
def _neighbours(name: str) -> tuple[str, ...]:
    """Other networks of the same file: a row that has slipped."""
    if looks_like_file(name):
        return ()
    base = name.partition("@")[0]
    return tuple(each for each in _loaded(name).spec.names() if each.partition("@")[0] != base)
