"""Networks found by what they cost, what they are for, and what is published of their accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple, NoReturn

from archcalc.claims.check import ledger_folder
from archcalc.claims.printed import percent
from archcalc.claims.read import read_ledger
from archcalc.engine.cost.quantities import FLOPS, OPERATIONS, quantity
from archcalc.engine.library import Broken, analysed_families, spec_files
from archcalc.engine.limits.budget import quantity_of
from archcalc.engine.limits.conditions import COMPARISONS, Comparison, comparison
from archcalc.results.budget import QUANTITIES
from archcalc.results.claim import Accuracy, Claim
from archcalc.results.cost import DTYPES, NetworkCost
from archcalc.results.found import Cell, Found, FoundNetwork
from archcalc.source import Diagnostic, SpecError, suggestion
from archcalc.spec.library import plain
from archcalc.spec.number import exact_number

TEXTS = ("name", "family", "task")
PUBLISHED = ("top1", "top5")
OTHERS = ("year", "resolution")
COLUMNS = (*QUANTITIES, *OPERATIONS, *(name for name in FLOPS if name not in QUANTITIES), *OTHERS, *PUBLISHED, *TEXTS)
"""What networks are found by: their costs by column name; `resolution` is the largest extent of the input."""


class Order(NamedTuple):
    """A column to go by; `is_reversed` where a `-` stands before its name."""

    column: str
    is_reversed: bool


class Condition(NamedTuple):
    """A column compared with an exact value, or with a text whose case does not matter."""

    given: Comparison
    amount: int | Fraction | str

    def holds(self, value: Cell) -> bool:
        """Whether it holds of a value."""
        if isinstance(self.amount, str):
            value = plain(str(value))
        return COMPARISONS[self.given.sign](value, self.amount)


def find(
    *places: str,
    where: str | Sequence[str] = (),
    task: str | None = None,
    pareto: str | Sequence[str] = (),
    sort: str | None = None,
    top: int | None = None,
    dtype: str = "fp32",
    with_accuracy: bool = False,
) -> Found:
    """Networks that meet conditions.

    Args:
        places: files and folders of specs; without any, all networks that come with archcalc.
        where: conditions that all must hold: `macs < 600M`, `task == ImageNet`, `top1 >= 75`.
        task: what they are for, or how its name begins: `ImageNet`, `CIFAR`.
        pareto: keep what nothing else is better than in all of these columns; the larger is better with a minus.
        sort: a column, the largest first; with a minus the smallest; texts from A.
        top: so many, the first by `sort`, or those with most macs.
        dtype: of the weights, for their size.
        with_accuracy: read what the ledger has of their accuracy; so do columns that ask for it.

    Raises:
        SpecError: an unknown column or task, no condition, no such place, or a ledger that does not read.
        ValueError: an unknown dtype, or a top below 1.
    """
    if dtype not in DTYPES:
        raise ValueError(f"no dtype is called {dtype}; there are {', '.join(DTYPES)}")
    if top is not None and top < 1:
        raise ValueError(f"top is {top}; it must be at least 1")
    conditions = [_condition(text) for text in _several(where, ";")]
    objectives = [_order(word) for word in _several(pareto, ",")]
    for objective in objectives:
        if objective.column in TEXTS:
            _refuse("bad-objective", f"{objective.column} is no number, so that none of its values is better")
    by = _order(sort) if sort is not None else None
    if by is None and objectives:
        by = Order(objectives[0].column, not objectives[0].is_reversed)  # the best of the first objective first
    if by is None and top is not None:
        by = Order("macs", False)
    needed = [*(each.given.column for each in conditions), *(each.column for each in objectives)]
    columns = tuple(dict.fromkeys([*needed, *([by.column] if by else [])]))
    with_accuracy = with_accuracy or any(name in PUBLISHED for name in columns)
    networks, broken = _networks(places, dtype)
    if task is not None:
        networks = _for_task(networks, task)
    published = accuracies() if with_accuracy else {}
    rows = [_row(file, cost, columns, {} if file else published) for file, cost in networks]
    found = Found(rows, len(rows), tuple(each.given.text for each in conditions), columns, with_accuracy, broken=broken)
    for column in dict.fromkeys(needed):
        known = [row for row in found.networks if row.values[column] is not None]
        if len(known) < len(found.networks):
            found.unknown[column] = len(found.networks) - len(known)
        found.networks = known
    for condition in conditions:
        name = condition.given.column
        kept = [row for row in found.networks if condition.holds(row.values[name])]
        if found.networks and not kept and found.nearest is None:
            found.nearest = _nearest(found.networks, condition)
        found.networks = kept
    if objectives:
        found.networks = _front(found.networks, objectives)
    if by is not None:
        found.networks = _sorted(found.networks, by)
    found.networks = found.networks[:top]
    return found


def accuracies() -> dict[str, list[Accuracy]]:
    """What the ledger that comes with archcalc quotes of each network, by its name as names are compared.

    Raises:
        SpecError: a file of the ledger does not read.
    """
    folder = ledger_folder()
    paths = sorted(folder.glob("*.yaml"))
    files = read_ledger(paths, [f"specs/claims/{path.name}" for path in paths])
    if findings := [finding for file in files for finding in file.findings]:
        raise SpecError(findings)
    quoted = [claim for file in files for claim in file.claims if claim.verdict == "quoted"]
    found: dict[str, list[Accuracy]] = {}
    for (network, *_), claims in groupby(quoted, _measurement):
        found.setdefault(network, []).append(_accuracy(list(claims)))
    return found


def _measurement(claim: Claim) -> tuple[str, str, str, tuple[int, ...]]:
    """What figures of one measurement have in common."""
    return plain(claim.network), claim.source.citekey, claim.where, claim.settings.input or ()


def _accuracy(claims: Sequence[Claim]) -> Accuracy:
    first = claims[0]
    parts: dict[str, Fraction] = {}
    for claim in claims:
        value = percent(claim.reads or claim.printed)
        assert value is not None  # the reader refuses what is none
        name = claim.quantity.removesuffix("_error")
        parts[name] = value if name == claim.quantity else 100 - value
    printed = tuple(f"{claim.quantity} {claim.printed}" for claim in claims)
    is_recalled = any(claim.is_recalled for claim in claims)
    top1, top5 = parts.get("top1"), parts.get("top5")
    return Accuracy(first.source, first.where, first.settings.input, is_recalled, top1, top5, printed)


def _networks(places: Sequence[str], dtype: str) -> tuple[list[tuple[str, NetworkCost]], list[Broken]]:
    """Networks with the files that they are in, where those do not come with archcalc."""
    if not places:
        families, broken = analysed_families(True, dtype=dtype)
        return [("", cost) for members in families for cost in members], broken
    found: list[tuple[str, NetworkCost]] = []
    broken = []
    for name, path in spec_files(places):
        families, wrong = analysed_families(places=[str(path)], dtype=dtype)
        found += [(name, cost) for members in families for cost in members]
        broken += [(name, error) for _, error in wrong]
    return found, broken


def _row(file: str, cost: NetworkCost, columns: Iterable[str], published: dict[str, list[Accuracy]]) -> FoundNetwork:
    """A network with its columns; an accuracy counts at the input that it was measured with, and at no other."""
    sizes = (*(() if cost.input.channels is None else (cost.input.channels,)), *cost.input.spatial)
    own = [each for each in published.get(plain(cost.name), []) if each.input in (None, sizes)]
    own.sort(key=lambda each: (each.is_recalled, -(each.top1 or 0), -(each.top5 or 0)))
    row = FoundNetwork(cost, {}, tuple(own), file)
    row.values.update((name, _value(row, name)) for name in columns)
    return row


def _value(row: FoundNetwork, column: str) -> Cell:
    """A column of a network."""
    cost = row.cost
    found: Cell
    match column:
        case "name" | "task":
            found = getattr(cost, column)
        case "family":
            found = cost.title
        case "year":
            found = cost.year
        case "resolution":
            found = max(map(int, cost.input.spatial), default=None)
        case "top1" | "top5":
            found = getattr(row.accuracy, column) if row.accuracy else None
        case _ if cost.is_lower_bound(column):
            found = None
        case _ if hasattr(cost.totals, column):
            found = int(getattr(cost.totals, column))
        case "peak_memory":
            found = quantity_of(cost, column)
        case _:
            found = int(quantity(cost.graph, column))
    return found


def _for_task(networks: Sequence[tuple[str, NetworkCost]], task: str) -> list[tuple[str, NetworkCost]]:
    """Networks for a task, or for those whose names begin so."""
    wanted = plain(task.strip())
    exactly = [each for each in networks if plain(each[1].task) == wanted]
    found = exactly or [each for each in networks if wanted and plain(each[1].task).startswith(wanted)]
    if not found:
        tasks = sorted({cost.task for _, cost in networks if cost.task})
        help = suggestion(task, tasks, f"tasks are {', '.join(tasks)}" if tasks else "none of them says what it is for")
        _refuse("unknown-task", f"no network is for the task `{task}`", help)
    return found


def _nearest(rows: Sequence[FoundNetwork], condition: Condition) -> tuple[str, str, Cell]:
    """Who comes nearest to a condition that nothing meets."""
    name = condition.given.column
    if isinstance(condition.amount, str):
        return name, "", ""
    best = min(rows, key=lambda row: abs(row.values[name] - condition.amount))  # type: ignore[operator]  # known numbers
    return name, best.name, best.values[name]


def _front(rows: Sequence[FoundNetwork], objectives: Sequence[Order]) -> list[FoundNetwork]:
    """Those that no other is at least as good as in everything and better in something."""

    def worth(row: FoundNetwork) -> tuple[Fraction, ...]:
        return tuple(
            Fraction(row.values[each.column] or 0) * (-1 if each.is_reversed else 1)  # the smaller the better
            for each in objectives
        )

    worths = [worth(row) for row in rows]
    return [
        row
        for row, own in zip(rows, worths, strict=True)
        if not any(other != own and all(a <= b for a, b in zip(other, own, strict=True)) for other in set(worths))
    ]


def _sorted(rows: Sequence[FoundNetwork], by: Order) -> list[FoundNetwork]:
    """By a column, the largest first, texts from A; what has no value comes last."""
    known = [row for row in rows if row.values[by.column] is not None]
    is_text = by.column in TEXTS
    known.sort(
        key=lambda row: plain(str(row.values[by.column])) if is_text else row.values[by.column],  # type: ignore[return-value,arg-type]
        reverse=by.is_reversed if is_text else not by.is_reversed,
    )
    return known + [row for row in rows if row.values[by.column] is None]


def _several(given: str | Sequence[str], between: str) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    return [word for text in texts for word in text.split(between) if word.strip()]


def _condition(text: str) -> Condition:
    given = comparison(text, "macs < 600M, task == ImageNet or top1 >= 75")
    _known(given.column)
    if given.column in TEXTS:
        if given.sign not in ("==", "!="):
            given.refuse(f"{given.column} is no number", f"{given.column} == {given.right}")
        return Condition(given, plain(given.right))
    if given.column in PUBLISHED:
        amount = percent(given.right)
        if amount is None:
            given.refuse(f"`{given.right}` is no part in percent", f"{given.column} {given.sign} 75.5")
        return Condition(given, amount)
    if given.column in OTHERS:
        number = exact_number(given.right)
        if number is None:
            given.refuse(f"`{given.right}` is no number", f"{given.column} {given.sign} 224")
        return Condition(given, number)
    return Condition(given, given.amount())


def _order(word: str) -> Order:
    """`macs`, `-macs`, `max:macs`, `min:macs`."""
    short = word.strip().removeprefix("min:")
    name = short.removeprefix("max:") if short.startswith("max:") else short.removeprefix("-")
    _known(name)
    return Order(name, name != short)


def _known(column: str) -> None:
    if column in COLUMNS:
        return
    if column in ("flops", "flop"):
        help = "say whose: flops_arithmetic, flops_fvcore, ... (archcalc conventions)"
    elif column in ("accuracy", "acc", "acc1", "acc@1"):
        help = "top1 or top5, in percent: top1 >= 75"
    else:
        help = suggestion(column, COLUMNS, f"columns are {', '.join(name for name in COLUMNS if name not in FLOPS)}")
    _refuse("unknown-column", f"networks have no column `{column}`", help)


def _refuse(code: str, message: str, help: str | None = None) -> NoReturn:
    raise SpecError([Diagnostic(code, message, help=help)])
