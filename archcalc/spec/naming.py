"""How layers that nobody named are called: by what is written, never by counts or the values of variables.

A part is called after its operator or module; with `_1`, `_2` where that repeats in one place; by number alone when
all parts of a chain are the same call. A part that is alone needs no name of its own.
"""

from __future__ import annotations

from archcalc.named import NamedTuple
from archcalc.spec.expression import Binary, Call, Chain, Choice, Expression, Generator, Index, Items, Name, Path
from archcalc.spec.model import Bodies, Body, Entries, Line, Merge, Placed

Part = Placed | Merge | Entries | Bodies
ALONE, NUMBER, PLAIN, COUNTED = "alone", "number", "plain", "counted"


class Label(NamedTuple):
    """How a part is called: the word, and whether it is numbered."""

    word: str
    form: str


class Place:
    """Parts in a row (or the branches of a merge) and how each is called."""

    __slots__ = ("labels", "parts")

    def __init__(self, parts: list[Part], is_merge: bool = False) -> None:
        self.parts = parts
        words = [_word(part) for part in parts]
        loud = [index for index, word in enumerate(words) if word]
        repeated = [isinstance(part, Placed) and _repeats(part.expression) for part in parts]
        if len(loud) == 1 and not repeated[loud[0]] and not is_merge:
            self.labels = [Label(word, ALONE) for word in words]
        elif not is_merge and _all_same([parts[index] for index in loud]):
            self.labels = [Label(word, NUMBER) for word in words]
        else:
            heard = [words[index] for index in loud]
            self.labels = [
                Label(word, COUNTED if again or heard.count(word) > 1 else PLAIN)
                for word, again in zip(words, repeated, strict=True)
            ]

    def names(self) -> Names:
        """A fresh count, for one expansion of this place."""
        return Names(self.labels)


class Names:
    """Gives each part of a place its name, counting as it goes."""

    __slots__ = ("counts", "labels")

    def __init__(self, labels: list[Label]) -> None:
        self.labels = labels
        self.counts: dict[str, int] = {}

    def next(self, index: int, path: str) -> str:
        """Path of the next layer that the part with this index makes."""
        word, form = self.labels[index]
        if form == ALONE or not word:
            return path
        if form == PLAIN:
            return f"{path}.{word}" if path else word
        key = "" if form == NUMBER else word
        count = self.counts[key] = self.counts.get(key, 0) + 1
        word = f"{word}_{count}" if form == COUNTED else str(count)
        return f"{path}.{word}" if path else word


def place_of(body: Body) -> Place:
    """The parts that a body puts in a row."""
    if isinstance(body, Line):
        return Place(list(_chained(body.placed)))
    if isinstance(body, Bodies):
        return Place([part for item in body.items for part in _parts(item)])
    return Place([body])


def branch_places(branches: list[Body]) -> tuple[Place, list[range]]:
    """All parts of unnamed branches as one place, and which of them belong to each branch."""
    parts: list[Part] = []
    ranges: list[range] = []
    for branch in branches:
        first = len(parts)
        parts.extend(_parts(branch))
        ranges.append(range(first, len(parts)))
    return Place(parts, is_merge=True), ranges


def _parts(body: Body) -> list[Part]:
    if isinstance(body, Line):
        return list(_chained(body.placed))
    return [body]


def _chained(placed: Placed) -> list[Placed]:
    if isinstance(placed.expression, Chain):
        return [Placed(part, placed.base) for part in placed.expression.parts]
    return [placed]


def _word(part: Part) -> str:
    if isinstance(part, Merge):
        return part.call.function
    if isinstance(part, Placed):
        return callee(part.expression)
    return ""


def callee(expression: Expression) -> str:
    """The operator or module that an expression names first; nothing for `identity`, `none`, `tap`."""
    while True:
        if isinstance(expression, Name):
            return "" if expression.id in ("identity", "none") else expression.id
        if isinstance(expression, Call):
            return "" if expression.function == "tap" else expression.function
        if isinstance(expression, Path):
            return expression.parts[-1]
        if isinstance(expression, Binary):
            expression = expression.left
        elif isinstance(expression, Index):
            expression = expression.value
        elif isinstance(expression, Generator):
            expression = expression.element
        elif isinstance(expression, (Chain, Items)):
            parts = expression.parts if isinstance(expression, Chain) else expression.items
            return next((word for word in map(callee, parts) if word), "")
        elif isinstance(expression, Choice):
            return callee(expression.then) or callee(expression.otherwise)
        else:
            return ""


def _repeats(expression: Expression) -> bool:
    if isinstance(expression, Choice):
        return _repeats(expression.then) or _repeats(expression.otherwise)
    return isinstance(expression, Generator) or (isinstance(expression, Binary) and expression.operator == "*")


def _all_same(parts: list[Part]) -> bool:
    keys = set()
    for part in parts:
        if not isinstance(part, Placed):
            return False
        expression = part.expression
        while isinstance(expression, Binary) and expression.operator == "*":
            expression = expression.left
        keys.add(expression.element.key if isinstance(expression, Generator) else expression.key)
    return len(keys) == 1
