"""What of a figure follows the sliders: its texts as pieces, and its bars, with numbers as closed forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from archcalc.dims import Dim, Polynomial, evaluate
from archcalc.dims import total as sum_of
from archcalc.report.figure.items import Figure
from archcalc.report.figure.svg import Links
from archcalc.report.figure.told import Amount, Bar, Copies, Given, Labelled, Piece, Sizes, Spans, Told
from archcalc.report.figure.words import brief, grouped, label_of
from archcalc.report.media.numbers import percent
from archcalc.results.live import BATCH, Live
from archcalc.results.structure import Part

MARK = "\0"  # around the number of a number within a text
Place = Callable[[Dim], int]


class UnknownFormError(Exception):
    """A number of a figure of which no closed form is known."""


class Following:
    """Forms of the numbers of a figure.

    A number is written as a kind and places: `s` sizes, `n` a whole number, `b` a count with three digits, `%` a share.
    A text without forms is None and the places of variables: it stays as it was drawn, which holds until one of them
    is moved.
    """

    def __init__(self, live: Live, figure: Figure, parts: Iterable[Part], place: Place) -> None:
        self.live, self.figure, self.place = live, figure, place
        self.graph = live.structure.graph
        self.kept = {of.name for of in live.free}
        self.drawn = {of.name: 1 if of.name == BATCH else of.number for of in live.free}  # a figure is of one example
        free = list(live.structure.walk())
        self.parts = {id(part): of for part, of in zip(parts, free, strict=False) if _alike(part, of)}
        self.rows = tuple((part.first, part.last) for row in figure.rows for part in row.item.parts)
        self.sums: dict[tuple[str, Spans], Dim] = {}

    def texts(self, links: Links) -> list[list[Any]]:
        """Each text by pieces: texts, and numbers with their kinds."""
        return [self.text(text) for text in links.texts]

    def bars(self, links: Links) -> list[list[Any]]:
        """Lane, row, amount, where the row begins, and the length of the longest."""
        return [self.bar(bar) for bar in links.bars]

    def sizes(self, number: int) -> list[int | str]:
        """Those of an input, by its number; as they are written where they depend on what has no slider."""
        shape = self.graph.shape(-1 - number)
        sizes = (*(() if shape.channels is None else (shape.channels,)), *shape.spatial)
        try:
            return [self.place(x) for x in self.only_kept(sizes)]
        except UnknownFormError:
            return [str(self.figure.shape(-1 - number))]

    def bar(self, bar: Bar) -> list[Any]:
        """One piece of a bar."""
        return [bar.lane, bar.row, self.place(self.amount(bar.quantity, bar.spans)), bar.x, bar.full]

    def text(self, text: Told) -> list[Any]:
        """Pieces of a text; they have to give it at the setting that was drawn."""
        found = self.pieces_of(text)
        names = [of.name for of in self.live.free]
        if found is None:
            return [None, *(at for at, name in enumerate(names) if name != BATCH)]
        if "".join(self.written(part, self.drawn) for part in found) != text:
            forms = [form for part in found if not isinstance(part, str) for form in part[1:]]
            used = {name for form in forms if isinstance(form, Polynomial) for name in form.variables()}
            return [None, *(at for at, name in enumerate(names) if name in used)]
        return [of if isinstance(of, str) else [of[0], *map(self.place, of[1:])] for of in found]

    def pieces_of(self, text: Told) -> list[str | tuple[Any, ...]] | None:
        """Texts, and kinds of numbers with their forms; None where some form is not known."""
        try:
            return [part for piece in text.pieces for part in self.pieces(piece)] if text.pieces else None
        except (UnknownFormError, TypeError, KeyError, IndexError):
            return None

    @staticmethod
    def written(part: str | tuple[Any, ...], numbers: Mapping[str, int]) -> str:
        """A piece at a setting, as the page writes it."""
        if isinstance(part, str):
            return part
        kind, *forms = part
        found = [evaluate(form, numbers) for form in forms]
        if kind == "s":
            return "×".join(map(str, found))
        if kind == "%":
            return percent(*found)
        return brief(found[0]) if kind == "b" else grouped(found[0])

    def pieces(self, piece: Piece) -> list[str | tuple[Any, ...]]:
        """Texts, and kinds of numbers with their forms."""
        match piece:
            case Sizes(node, channels):
                shape = self.graph.shape(self.known(node))
                first = () if shape.channels is None else (shape.channels,)
                return [("s", *self.only_kept(first if channels else (*first, *shape.spatial)))]
            case Amount(quantity, spans, is_share):
                whole = self.amount(quantity, self.rows)
                one = whole if spans is None else self.amount(quantity, spans)
                return [("%", one, whole) if is_share else ("b", one)]
            case Labelled(node, is_rest):
                return self.label(node, is_rest)
            case Copies(node, is_stored):
                copies = self.graph.nodes[self.known(node)].operator.copies
                return [("n", *self.only_kept([copies.stored if is_stored else copies.computed]))]
            case Given(part, name):
                value = self.parts[id(part)].arguments[name]
                if not isinstance(value, int | Polynomial) or isinstance(value, bool):
                    raise UnknownFormError
                return [("n", *self.only_kept([value]))]
            case _:
                return [piece]

    def label(self, node: int, is_rest: bool) -> list[str | tuple[Any, ...]]:
        """What a box says of an operation."""
        inside: list[Dim] = []

        def number(value: Any) -> str:
            if not isinstance(value, Polynomial):
                return grouped(value)
            inside.append(value)
            return f"{MARK}{len(inside) - 1}{MARK}"

        label = label_of(self.graph.nodes[self.known(node)], number)
        text = ", ".join(label.rest) if is_rest else label.word
        forms = self.only_kept(inside)
        return [("n", forms[int(part)]) if at % 2 else part for at, part in enumerate(text.split(MARK)) if part]

    def amount(self, quantity: str, spans: Spans) -> Dim:
        """What operations have together."""
        key = quantity, spans
        if key not in self.sums:
            each = self.live.of_operations[quantity]
            if any(last > len(each) for _, last in spans):  # of heads, which the page leaves out
                raise UnknownFormError
            self.sums[key] = sum_of(each[index] for first, last in spans for index in range(first, last))
        self.only_kept([self.sums[key]])
        return self.sums[key]

    def known(self, node: int) -> int:
        """An operation that the page knows."""
        if node >= len(self.graph.nodes):
            raise UnknownFormError
        return node

    def only_kept(self, forms: Iterable[Dim]) -> list[Dim]:
        """Forms, if they depend on nothing but what has a slider."""
        found = list(forms)
        if any(isinstance(x, Polynomial) and not x.variables() <= self.kept for x in found):
            raise UnknownFormError
        return found


def _alike(part: Part, free: Part) -> bool:
    return (part.kind, part.path, part.first) == (free.kind, free.path, free.first)
