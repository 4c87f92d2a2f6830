"""Somebody's table held against our specs: each figure right, explained, or wrong.

A figure is right where it is what its column asks for, at what its row says of the input. An explanation is exact at
the printed digits and has a grade; one that holds for several networks of a column weighs more than one that holds
for a single figure. What another network comes to, or another input than the row says, explains nothing: the figure
is wrong, and that is said of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from archcalc.claims.cases import Case, Values
from archcalc.claims.explanations import FLOPS, Candidate, Explainer, digits_of, named
from archcalc.claims.headings import (
    Heading,
    convention_of,
    dtype_of,
    figure_text,
    has_decimal_commas,
    has_no_unit,
    heading,
    input_of,
)
from archcalc.claims.names import Meant, Names
from archcalc.claims.printed import Printed, PrintError, read_printed
from archcalc.claims.tables import Record, TableText, read_table, transposed
from archcalc.engine.cost.conventions import CONVENTIONS
from archcalc.results.audit import Audit, Figure
from archcalc.source import Diagnostic, Source, SpecError

_UNITS = ("M", "G", "K")  # tried where neither the column nor the cell names one
_NOTHING = {"-", "--", "n/a", "na", "nan", "none", "null", "\N{EN DASH}", "\N{EM DASH}", "?", ""}
SEVERAL = 3  # networks for which an explanation holds, for it to weigh more


class _Row(NamedTuple):
    """What a row says of how its figures were taken."""

    resolution: tuple[int, ...] = ()
    batch: int = 1  # 1: nothing is said
    convention: str = ""
    dtype: str = ""


class _Cell(NamedTuple):
    """A figure to be judged."""

    place: int  # of its row in the table
    line: int
    model: str
    meant: Meant
    row: _Row
    column: Heading
    text: str
    surplus: int


class _Found(NamedTuple):
    """What became of the text of a cell, before explanations of a column are weighed; the same text is judged once."""

    figure: Figure
    candidates: tuple[Candidate, ...] = ()
    words: str = ""  # of the reading


def audit(source: Source, files: Sequence[str] = ()) -> Audit:
    """Every figure of a table.

    Args:
        source: the table.
        files: specs whose networks the table may name besides those of the library.

    Raises:
        SpecError: it is no table, it names no column that is computed, or a file of specs does not read.
    """
    table, names = read_table(source), Names(files)
    model, headings = _headings(table, names)
    wanted = [found for found in headings if found.quantity != "model" and not found.is_condition]
    if model is None or not wanted:
        turned = transposed(table)
        model, headings = _headings(turned, names)
        wanted = [found for found in headings if found.quantity != "model" and not found.is_condition]
        if not any(names.meant(record.cells.get(model or "", "")).network for record in turned.rows):
            wanted = []
        if wanted:
            table = turned
    if model is None or not wanted:
        model, headings = _headings(table, names)
        missing = "no column of models" if model is None else "no column that is computed"
        message = f"{source.name} has {missing}; its columns are {', '.join(table.columns) or 'none'}"
        help = "name one `model`, and others `params`, `params (M)`, `macs`, `GFLOPs`"
        raise SpecError([Diagnostic("no-column", message, help=help)])
    conditions = [found for found in headings if found.is_condition and _is_read(found, table.rows)]
    judge = _Judge(Values(names), {each.column: _commas(each, table.rows, table.separator) for each in wanted})
    cells: dict[str, list[_Cell]] = {each.column: [] for each in wanted}
    for place, record in enumerate(table.rows):
        name = record.cells.get(model, "")
        meant, row = names.meant(name), _row(record, conditions)
        row = row if row.resolution else row._replace(resolution=meant.resolution)  # a column says it before a name
        for column in wanted:
            text = record.cells.get(column.column, "")
            if text.lower() not in _NOTHING:
                cells[column.column].append(_Cell(place, record.line, name, meant, row, column, text, record.surplus))
    judged = [pair for column in wanted for pair in judge.column(column, cells[column.column])]
    order = {each.column: number for number, each in enumerate(wanted)}
    judged.sort(key=lambda pair: (pair[0], order[pair[1].column]))
    read = {model, *(each.column for each in (*wanted, *conditions))}
    ignored = tuple(each for each in table.columns if each not in read)
    return Audit(source.name, len(table.rows), tuple(figure for _, figure in judged), ignored)


def _headings(table: TableText, names: Names) -> tuple[str | None, list[Heading]]:
    """The column of models, and what the others hold.

    Where no column is called that, it is the first without another meaning of whose cells half are networks.
    """
    headings = [found for found in map(heading, table.columns) if found is not None]
    for found in headings:
        if found.quantity == "model":
            return found.column, headings
    others = [column for column in table.columns if column not in {found.column for found in headings}]
    for column in others:
        cells = [cell for record in table.rows[:100] if (cell := record.cells.get(column, ""))]
        if cells and 2 * sum(bool(names.meant(cell).network) for cell in cells) >= len(cells):
            return column, headings
    return None, headings


def _is_read(condition: Heading, rows: Sequence[Record]) -> bool:
    """Whether a column says what its name promises: `size` may be of files, and `precision` of detections."""
    cells = [text for record in rows if (text := record.cells.get(condition.column, "")).lower() not in _NOTHING]
    match condition.quantity:
        case "input":
            said = [input_of(text)[0] for text in cells]
            if condition.column.lower().strip() == "size":
                said = [found if found and found[0] % 16 in (0, 3, 7, 11) and found[0] >= 28 else () for found in said]
        case "batch":
            said = [(1,) if text.isdecimal() and int(text) >= 1 else () for text in cells]
        case "dtype":
            said = [(1,) if dtype_of(text) else () for text in cells]
        case _:
            said = [(1,) if convention_of(text) else () for text in cells]
    return bool(said) and (any(said) if condition.quantity == "convention" else all(said))


def _row(record: Record, conditions: Sequence[Heading]) -> _Row:
    resolution: tuple[int, ...] = ()
    batch, convention, dtype = 1, "", ""
    for condition in conditions:
        text = record.cells.get(condition.column, "")
        match condition.quantity:
            case "input":
                found, several = input_of(text)
                resolution, batch = found or resolution, several or batch
            case "batch":
                batch = int(text) if text.isdecimal() and len(text) < 10 else batch
            case "convention":
                convention = convention_of(text)
            case "dtype":
                dtype = dtype_of(text)
    return _Row(resolution, batch, convention, dtype)


def _commas(column: Heading, rows: Sequence[Record], separator: str) -> bool:
    is_likely = separator == ";" and bool(column.unit)
    return has_decimal_commas((record.cells.get(column.column, "") for record in rows), is_likely)


class _Judge:
    """Judges the figures of a table, column by column."""

    def __init__(self, values: Values, commas: dict[str, bool]) -> None:
        self.values = values
        self.explainer = Explainer(values)
        self.commas = commas

    def column(self, column: Heading, cells: Sequence[_Cell]) -> Iterator[tuple[int, Figure]]:
        """All figures of a column, each with the place of its row."""
        convention = self._convention(column, cells)
        known: dict[tuple[Any, ...], _Found] = {}
        judged: list[tuple[_Cell, _Found]] = []
        for cell in cells:
            key = cell.model, cell.row, cell.text, cell.surplus
            found = known.get(key)
            if found is None:
                found = known[key] = self._judged(cell, convention)
            judged.append((cell, found))
        unexplained = [found for found in known.values() if found.figure.judgement in ("explained", "wrong")]
        support = _support(unexplained)
        most = frozenset(key for key, several in support.items() if _is_of_most(several, len(unexplained)))
        if most:  # what explains most of a column may explain a figure of fewer digits
            for cell in cells:
                key = cell.model, cell.row, cell.text, cell.surplus
                if known[key].figure.judgement == "wrong":
                    known[key] = self._judged(cell, convention, most)
        weighed = {key: _weighed(found, support, len(unexplained)) for key, found in known.items()}
        for cell, _ in judged:
            figure = weighed[cell.model, cell.row, cell.text, cell.surplus]
            yield cell.place, figure if figure.line == cell.line else figure._replace(line=cell.line)

    def _convention(self, column: Heading, cells: Sequence[_Cell]) -> str:
        """What a column of FLOPs means: what it says, or the convention under which most of it is right."""
        if column.quantity != "flops":
            return column.convention if column.quantity == "macs" else "macs"
        if column.convention:
            return column.convention
        some = list({(cell.meant.network, cell.row, cell.text): cell for cell in cells if cell.meant.network}.values())

        def right(convention: str) -> int:
            return sum(self._is_right(cell, convention) for cell in some[:1000])

        return max(FLOPS, key=right)

    def _is_right(self, cell: _Cell, convention: str) -> bool:
        value = self.values.value(self._plain(cell, convention))
        return value is not None and any(p.agreement(value) is not None for p, _, _ in self._readings(cell))

    def _plain(self, cell: _Cell, convention: str) -> Case:
        """What the column and the row ask for."""
        quantity, row = cell.column.quantity, cell.row
        of_row = row.convention or (convention if convention != "macs" or quantity == "flops" else "")
        if quantity == "macs" and of_row and of_row != "macs":
            quantity = "flops"  # MACs as a tool counts them
        return Case(
            cell.meant.network,
            quantity,
            of_row if quantity == "flops" and of_row else "macs",
            row.resolution or cell.column.resolution,
            dtype=row.dtype or "fp32",
        )

    def _readings(self, cell: _Cell) -> Iterator[tuple[Printed, str, str]]:
        """A cell's figure, its text with a unit, and what was assumed of that."""
        text = figure_text(cell.text, cell.column.unit, self.commas[cell.column.column])
        ways = [(text, "")]
        if not cell.column.unit and has_no_unit(text) and not (text.replace(",", "").isdecimal() and len(text) > 4):
            ways += [(f"{text}{unit}", f"read as {unit}") for unit in _UNITS]
        for way, words in ways:
            printed = _read(way)
            if printed is not None and not (words and printed.figures[0].value == 0):  # 0 G would be all below half
                yield printed, way, words

    def _judged(self, cell: _Cell, convention: str, of_column: frozenset[str] = frozenset()) -> _Found:
        def figure(judgement: Any, why: str = "", **more: Any) -> Figure:
            place = (cell.line, cell.model, cell.meant.network, cell.column.column, cell.column.quantity, cell.text)
            return Figure(*place, judgement, more.pop("computed", None), why=why, **more)

        if not cell.meant.network:
            return _Found(figure("unknown model", cell.meant.why))
        if cell.surplus:
            cells = "one cell" if cell.surplus == 1 else f"{cell.surplus} cells"
            return _Found(figure("unread", f"the row has {cells} more than columns: a comma that divides them?"))
        readings = list(self._readings(cell))
        if not readings:
            return _Found(figure("unread", "no figure"))
        plain = self._plain(cell, convention)
        value = self.values.value(plain)
        if value is None and plain.resolution and plain.quantity in ("params", "weights", "size_bytes"):
            value = self.values.value(plain._replace(resolution=()))
        if value is None:
            return _Found(figure("unread", self._why_nothing(plain)))
        computed = int(value)
        whose = [named(plain.convention)] if cell.column.quantity == "flops" and plain.convention in FLOPS else []
        whose += [f"as {CONVENTIONS[plain.convention].title} counts"] if plain.convention not in FLOPS else []
        for asked, words in self._asked(plain, value, cell.row):
            for printed, _, assumed in readings:
                if printed.agreement(asked) is not None:
                    why = ", ".join(filter(None, [*whose, *words, assumed]))
                    return _Found(figure("right", why, computed=int(asked), plain=computed))
        says = bool(plain.resolution), cell.row.batch > 1
        for printed, text, assumed in readings:
            found = self.explainer.explanations(printed, text, plain, *says, of_column)
            if found:
                return _Found(figure("explained", computed=None, plain=computed), tuple(found), assumed)
        printed, assumed = _nearest(readings, value)
        times = printed.figures[0].value / value if value else None
        why = ", ".join(filter(None, [assumed, self._hint(printed, plain)]))
        return _Found(figure("wrong", why, computed=computed, plain=computed, factor=times))

    def _asked(self, plain: Case, value: Fraction, row: _Row) -> Iterator[tuple[Fraction, list[str]]]:
        """What a figure may be and be right: of one example, or of as many as its row says."""
        yield value, []
        if plain.quantity in ("params", "weights", "size_bytes"):
            own = self.values.value(plain._replace(resolution=())) if plain.resolution else None
            if own is not None and own != value:
                yield own, ["at the network's own input"]
        elif row.batch > 1:
            yield value * row.batch, [f"for its batch of {row.batch}"]

    def _why_nothing(self, plain: Case) -> str:
        if self.values.totals(plain) is None:
            sizes = "x".join(map(str, plain.resolution))
            return f"{plain.network} reads no input of {sizes}"
        return "an operation of this network is of unknown cost"

    def _hint(self, printed: Printed, plain: Case) -> str:
        """What a wrong figure is: that of the network's own input, or of another network; neither explains it."""
        if digits_of(printed) < 3:
            return ""
        if plain.resolution:
            own = self.values.value(plain._replace(resolution=()))
            if own is not None and printed.agreement(own) is not None:
                graph = self.values.graph(plain._replace(resolution=()))
                return f"it is that at {'x'.join(map(str, graph.input.spatial))}" if graph is not None else ""
        slipped = self.explainer.neighbour(printed, plain)
        return f"it is the figure of {slipped}" if slipped else ""


def _read(text: str) -> Printed | None:
    try:
        printed = read_printed(text)
    except PrintError:
        return None
    return printed if len(printed.figures) == 1 else None


def _support(found: Iterable[_Found]) -> Counter[str]:
    """For how many networks an explanation holds."""
    networks: dict[str, set[str]] = defaultdict(set)
    for each in found:
        for candidate in each.candidates:
            networks[candidate.key].add(each.figure.network.partition("@")[0])
    return Counter({key: len(of) for key, of in networks.items()})


def _is_of_most(several: int, unexplained: int) -> bool:
    """Whether an explanation that holds for several networks is that of the column."""
    return several >= SEVERAL and 2 * several >= unexplained


def _weighed(found: _Found, support: Counter[str], unexplained: int) -> Figure:
    """The figure with its best explanation.

    One deviation before two, unless half of the column has these; then by grade, one better where half of the column
    has it; then by the number of networks that have it.
    """
    if not found.candidates:
        return found.figure

    def weight(candidate: Candidate) -> tuple[bool, int, int, int]:
        several = support[candidate.key]
        is_of_column = _is_of_most(several, unexplained)
        is_simple = candidate.is_alone or is_of_column
        return not is_simple, candidate.grade - is_of_column, -several, candidate.order

    best = sorted(found.candidates, key=weight)
    first, simplicity = best[0], weight(best[0])[:2]
    told = {first.value}
    others = []
    for each in best[1:]:  # what comes to the same number is told once
        if each.value not in told and weight(each)[:2] == simplicity:
            told.add(each.value)
            others.append(each.words)
    why = ", ".join(filter(None, [first.words, found.words]))
    return found.figure._replace(computed=int(first.value), why=why, grade=first.grade, others=tuple(others[:2]))


def _nearest(readings: Sequence[tuple[Printed, str, str]], value: Fraction) -> tuple[Printed, str]:
    """The reading whose size is nearest: 3.1 beside 3,857,973,248 is 3.1 G."""

    def distance(reading: tuple[Printed, str, str]) -> Fraction:
        figure = reading[0].figures[0]
        low, high = sorted([abs(figure.value), abs(value)])
        return high / low if low else Fraction(10**30)

    printed, _, words = min(readings, key=distance)
    return printed, words
