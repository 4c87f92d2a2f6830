"""The layers of one body in a row: branches that part and meet again become merges, the rest goes by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable
from heapq import heappop, heappush
from typing import Any

from archcalc.importing.terms import IDENTITY, Chain, Item, Layer, Merge, Op, Ref, Repeat, Tap, Use

LONGEST = 14  # layers of a branch beside one that is as short as an identity: longer ones go by name
ROLE = -(1 << 62)  # in place of the value of a branch: its name has a meaning
NOBODY = -(1 << 60)  # in place of a value that nothing refers to
WIDEST = 60  # layers of all branches of one merge


class Element:
    """Something that stands in a body: a layer, a region, or what was made of several."""

    __slots__ = ("extras", "gives", "inputs", "is_inner", "main", "name", "size", "term", "value")

    def __init__(
        self,
        name: str,
        term: Any,
        main: int | None,
        value: int,
        extras: Iterable[int] = (),
        size: int = 1,
        gives: tuple[int, ...] = (),
        inputs: tuple[int, ...] = (),
        is_inner: bool = False,
    ) -> None:
        self.name = name
        self.term = term  # of a merge before its branches are known: its `Op`
        self.main = main  # the value that flows through it; None: it begins anew
        self.value = value
        self.extras = tuple(extras)  # values that it refers to
        self.size = size
        self.gives = gives  # values that are read outside of it, where it is a region
        self.is_inner = is_inner  # stands in a branch whatever happens
        self.inputs = inputs  # of a merge whose branches are not known yet

    def all_inputs(self) -> tuple[int, ...]:
        """Every value that must be there before it."""
        main = () if self.main is None else (self.main,)
        return (*main, *self.inputs, *self.extras)


class Body:
    """The elements of one body, made into a chain."""

    def __init__(
        self,
        elements: list[Element],
        main: int | None,
        outputs: Iterable[int],
        ends_in: Callable[[Any], str],
        roles: Callable[[int], tuple[str, ...]],
        closed: Callable[[Element], Any],
        shared: Container[int] = (),
        is_flat: bool = False,
    ) -> None:
        self.elements = elements
        self.shared = shared
        self.closed = closed
        self.main = main
        self.ends_in = ends_in
        self.roles = roles
        self.is_flat = is_flat
        self.by_value = {element.value: element for element in elements}
        self.reads: Counter[int] = Counter()
        for element in elements:
            self.reads.update(element.all_inputs())
        self.outputs = list(outputs)
        self.reads.update(self.outputs)
        self.gone: set[int] = set()

    def chain(self) -> Chain:
        """The whole body; items are named by pairs of a name and the value that they give."""
        for element in self.elements:
            if element.inputs:
                self.merge(element)
        items: list[Item] = []
        current = self.main
        for element in self.scheduled():
            if element.main is not None and element.main != current:
                if self.is_named_alone(element):
                    items.append(Item(("", NOBODY), Tap(Ref(element.main))))
                    items += items_of(element)
                    current = element.value
                    continue
                begin = Item(("", NOBODY), Tap(Ref(element.main)))
                term = chained((begin, Item(("", NOBODY), element.term)))
                items.append(Item((element.name, element.value), term))
            else:
                items += items_of(element)
            current = element.value
        return Chain(tuple(items))

    def is_named_alone(self, element: Element) -> bool:
        """Whether a layer is named without the tap before it: an unpool goes back to it, or others have its weights."""
        is_pool = isinstance(element.term, Op) and element.term.name == "maxpool"
        return is_pool or element.value in self.shared

    # merges

    def back(self, value: int) -> tuple[int | None, list[Element]]:
        """From a value back to where other layers read too: that value, or None at a source, and what is between."""
        found: list[Element] = []
        while True:
            element = self.by_value.get(value)
            is_known = element is not None and not element.inputs and len(element.gives) < 2
            if element is None or not is_known or self.reads[value] != 1 or (self.is_flat and not element.is_inner):
                break
            found.append(element)
            if element.main is None:
                found.reverse()
                return None, found
            value = element.main
        found.reverse()
        return value, found

    def merge(self, element: Element) -> None:
        """Give a merge its branches."""
        op = element.term
        inputs = element.inputs
        ways = [self.back(value) for value in inputs]
        names = self.roles(element.value)
        if not names and not op.arguments and not self.is_flat:
            inputs, ways = self.nested(op, inputs, ways)
        for at, (_, between) in enumerate(ways):
            if (
                between
                and not names
                and self.ends_in(between[-1].term) == op.name
                and between[-1].value in self.by_value
            ):
                ways[at] = (inputs[at], [])  # else the reader makes one merge of both
        sizes = [sum(part.size for part in between) for _, between in ways]
        shortest = min(sizes)
        for at, size in enumerate(sizes):
            is_long = size > LONGEST and shortest == 0 and len(ways) > 1 and ways[at][0] is not None
            if is_long or sum(sizes) > WIDEST:
                ways[at] = (inputs[at], [])
        starts = [start for start, _ in ways if start is not None]
        counted = Counter(starts)
        main = max(counted, key=lambda start: (counted[start], start), default=None)
        if main is not None and counted[main] == 1 and len(counted) > 1:
            main = max(counted)
        branches: list[Item] = []
        extras: list[int] = []
        absorbed: list[Element] = []
        for at, (start, between) in enumerate(ways):
            absorbed += between
            for part in between:
                part.term = self.closed(part)
            parts = [item for part in between for item in items_of(part)]
            for part in between:
                extras += part.extras
            if start is None or start == main:
                term: Any = chained(tuple(parts))
            else:
                extras.append(start)
                ref = Ref(start)
                is_tapped = bool(parts) or start < 0  # an input of the network stands in a tap alone
                term = chained((Item(("", NOBODY), Tap(ref)), *parts)) if is_tapped else Layer(ref)
            name = (names[at], ROLE) if names else (branch_name(between), NOBODY)
            branches.append(Item(name, term))
        if main is not None:
            self.reads[main] -= counted[main] - 1
        for part in absorbed:
            self.gone.add(part.value)
            self.by_value.pop(part.value, None)
        element.term = Merge(op, tuple(branches))
        element.main = main
        element.inputs = ()
        element.extras = (*element.extras, *extras)
        element.size = 1 + sum(part.size for part in absorbed)

    def nested(
        self, op: Op, inputs: tuple[int, ...], ways: list[tuple[int | None, list[Element]]]
    ) -> tuple[tuple[int, ...], list[tuple[int | None, list[Element]]]]:
        """Branches that part again, for themselves, as a merge within: the reader makes one of both."""
        starts = {start for start, _ in ways}
        at = 0
        while at < len(ways) and len(starts) > 1:
            start = ways[at][0]
            last = at
            while last < len(ways) and ways[last][0] == start:
                last += 1
            count = last - at
            whole = start is not None and start in self.by_value and self.reads[start] == count > 1
            if start is None or not whole or count == len(ways) or any(not between for _, between in ways[at:last]):
                at = last
                continue
            between = [part for _, parts in ways[at:last] for part in parts]
            branches = [
                Item((branch_name(parts), NOBODY), chained(tuple([item for part in parts for item in items_of(part)])))
                for _, parts in ways[at:last]
            ]
            extras = [value for part in between for value in part.extras]
            size = 1 + sum(part.size for part in between)
            merge = Element("", Merge(op, tuple(branches)), start, inputs[last - 1], extras, size)
            for part in between:
                part.term = self.closed(part)
                self.gone.add(part.value)
                del self.by_value[part.value]
            self.reads[start] = 1
            before, parts = self.back(start)
            ways = [*ways[:at], (before, [*parts, merge]), *ways[last:]]
            inputs = (*inputs[:at], inputs[last - 1], *inputs[last:])
            at += 1
        return inputs, ways

    # order

    def scheduled(self) -> list[Element]:
        """Elements that are left, in an order in which they can run; a chain goes on as long as it can."""
        left = [element for element in self.elements if element.value not in self.gone]
        place = {value: at for at, element in enumerate(left) for value in (*element.gives, element.value)}
        waiting: list[int] = []
        readers: dict[int, list[int]] = {}
        for at, element in enumerate(left):
            needed = {place[value] for value in element.all_inputs() if value in place} - {at}
            waiting.append(len(needed))
            for other in needed:
                readers.setdefault(other, []).append(at)
        ready = [at for at, count in enumerate(waiting) if count == 0]
        order: list[Element] = []
        following: int | None = None
        while ready or following is not None:
            at = heappop(ready) if following is None else following
            order.append(left[at])
            following = None
            for other in sorted(readers.get(at, ())):
                waiting[other] -= 1
                if waiting[other] == 0:
                    if following is None and left[other].main == left[at].value:
                        following = other
                    else:
                        heappush(ready, other)
        if len(order) != len(left):
            raise Tangled
        return order


class Tangled(Exception):  # noqa: N818  # no error of anybody: the body is made another way
    """Modules of a body read each other in a circle."""


def items_of(element: Element) -> list[Item]:
    """The parts that an element adds to a chain."""
    return [Item((element.name, element.value), element.term)]


def chained(items: tuple[Item, ...]) -> Any:
    """Parts in a row as one term."""
    return Chain(items) if items else IDENTITY


def branch_name(between: list[Element]) -> str:
    """What a branch is called: as its one layer or module, else nothing."""
    return between[0].name if len(between) == 1 else ""


def ends_in(term: Any, of_module: Callable[[str], Any]) -> str:
    """The merge that a layer ends in, if it does: in a branch of the same merge, the reader makes one of both."""
    while True:
        if isinstance(term, Chain):
            if not term.items:
                return ""
            term = term.items[-1].term
        elif isinstance(term, Repeat):
            term = term.term
        elif isinstance(term, Use):
            term = of_module(term.module)
        elif isinstance(term, Merge):
            return term.op.name
        elif isinstance(term, Op):
            return ""
        else:
            then, otherwise = getattr(term, "then", None), getattr(term, "otherwise", None)
            if then is None:
                return ""
            return ends_in(then, of_module) or ends_in(otherwise, of_module)
