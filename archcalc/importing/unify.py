"""Several bodies as one pattern: anti-unification, with holes where they differ and choices where parts are absent.

All bodies are taken at once, as columns: a value that differs becomes a hole that holds the value of each body.
"""

from __future__ import annotations

from typing import Any

from archcalc.importing.terms import (
    ABSENT,
    IDENTITY,
    NOTHING,
    Chain,
    Choice,
    Item,
    Merge,
    Nothing,
    Op,
    Repeat,
    Use,
    alone,
)
from archcalc.named import NamedTuple
from archcalc.ops import OPERATORS


class Hole(NamedTuple):
    """A value that differs, with that of each body; ABSENT where the part is not there. `of` is operator, argument."""

    column: tuple[Any, ...]
    of: tuple[str, str]
    kind: str = "hole"


class Presence(NamedTuple):
    """A condition that is not known yet, with its truth for each body."""

    column: tuple[Any, ...]
    kind: str = "presence"


class Different(Exception):  # noqa: N818  # no error of anybody: there will be two modules
    """Bodies that have no pattern in common."""


def unify(columns: list[Any], of_networks: bool = False) -> Any:
    """One pattern for all of these terms; those that are ABSENT have no say.

    Raises:
        Different: they are of three kinds or more in one place.
    """
    return Unifier(of_networks).unify(columns)


class Unifier:
    """Finds the pattern of several bodies.

    Args:
        of_networks: the bodies are those of whole networks: blocks of two classes are one block of a kind that differs,
            and what is not there is there no times.
    """

    def __init__(self, of_networks: bool = False) -> None:
        self.of_networks = of_networks

    def unify(self, columns: list[Any]) -> Any:
        """One pattern for all of these terms; those that are ABSENT have no say.

        Raises:
            Different: they are of three kinds or more in one place.
        """
        present = [term for term in columns if term is not ABSENT]
        first = present[0]
        if all(term is first or term == first for term in present):
            return first
        if any(type(term) is Chain for term in present):
            return self._chains(columns)
        kinds = {self.kind(term) for term in present}
        if len(kinds) > 1 and any(type(term) is Repeat for term in present):
            inner = {self.kind(term.term if type(term) is Repeat else term) for term in present}
            if len(inner) == 1:
                return self._repeats(columns)
        if len(kinds) > 1:
            return self._either(columns, [self.kind(term) if term is not ABSENT else ABSENT for term in columns])
        if type(first) is Repeat:
            return self._repeats(columns)
        if type(first) is Op:
            return self._op(columns, first.name)
        if type(first) is Use:
            return self._use(columns, first)
        if type(first) is Merge:
            return self._merges(columns, first)
        raise Different

    def kind(self, term: Any) -> Any:
        """What terms have in common that have a pattern."""
        return _kind(term, self.of_networks)

    def _value(self, column: list[Any], operator: str, argument: str) -> Any:
        """A value, or the hole that it is."""
        present = [value for value in column if value is not ABSENT]
        if all(value == present[0] for value in present):
            return present[0]
        if all(type(value) is Op and value.name == present[0].name for value in present):
            return self._op(column, present[0].name)
        return Hole(tuple(column), (operator, argument))

    def _op(self, columns: list[Any], name: str) -> Op:
        given = [ABSENT if term is ABSENT else dict(term.arguments) for term in columns]
        arguments = []
        for argument in (*OPERATORS[name].arguments, "trainable"):
            if not any(of is not ABSENT and argument in of for of in given):
                continue
            default = True if argument == "trainable" else OPERATORS[name].arguments[argument].default
            column = [ABSENT if of is ABSENT else of.get(argument, default) for of in given]
            arguments.append((argument, self._value(column, name, argument)))
        return Op(name, tuple(arguments))

    def _use(self, columns: list[Any], first: Use) -> Use:
        arguments = []
        for at, (argument, _) in enumerate(first.arguments):
            column = _part(columns, lambda use, at=at: use.arguments[at][1])
            arguments.append((argument, self._value(column, first.module, argument)))
        module = self._value(_part(columns, lambda use: use.module), "use", "block")
        return Use(module, tuple(arguments))

    def _repeats(self, columns: list[Any]) -> Repeat:
        inner = self.unify(_part(columns, lambda term: term.term if type(term) is Repeat else term))
        count = self._value(_part(columns, lambda term: term.count if type(term) is Repeat else 1), "repeat", "count")
        return Repeat(inner, count)

    def _merges(self, columns: list[Any], first: Merge) -> Merge:
        op = self._op(_part(columns, lambda merge: merge.op), first.op.name)
        widest = max((term for term in columns if term is not ABSENT), key=lambda merge: len(merge.branches))
        slots = _aligned(
            [() if term is ABSENT else term.branches for term in columns], self.of_networks, is_branch=True
        )
        if len(slots) > len(widest.branches) and OPERATORS[first.op.name].roles:
            raise Different
        branches: list[Item] = []
        for slot in slots:
            column = [
                ABSENT if merge is ABSENT else NOTHING if item is ABSENT else item.term
                for merge, item in zip(columns, slot, strict=True)
            ]
            name = slot_name(slot)
            branches.append(Item("" if name in {branch.name for branch in branches} else name, self._branch(column)))
        return Merge(op, tuple(branches))

    def _branch(self, column: list[Any]) -> Any:
        """A branch that some bodies lack is left out there."""
        lacking = [term is not ABSENT and type(term) is Nothing for term in column]
        if not any(lacking):
            return self.unify(column)
        there = self.unify([ABSENT if gone else term for term, gone in zip(column, lacking, strict=True)])
        presence = [ABSENT if term is ABSENT else not gone for term, gone in zip(column, lacking, strict=True)]
        return Choice(Presence(tuple(presence)), there, NOTHING)

    def _either(self, columns: list[Any], kinds: list[Any]) -> Choice:
        """One of two things."""
        distinct = list(dict.fromkeys(kind for kind in kinds if kind is not ABSENT))
        if len(distinct) > 2:
            raise Different
        sides = [
            self.unify([term if kind == wanted else ABSENT for term, kind in zip(columns, kinds, strict=True)])
            for wanted in distinct
        ]
        if any(type(side) not in (Op, Use) for side in sides):
            raise Different
        presence = [ABSENT if kind is ABSENT else kind == distinct[0] for kind in kinds]
        return Choice(Presence(tuple(presence)), *sides)

    def _chains(self, columns: list[Any]) -> Chain:
        rows = [_items(term) for term in columns]
        rows = _wrapped(rows, columns)
        slots = _aligned(rows, self.of_networks)
        items: list[Item] = []
        waiting: list[tuple[tuple[Any, ...], list[list[Any]]]] = []  # optional slots in a row with one presence

        def counted(presence: tuple[Any, ...], slots: list[list[Any]]) -> Item:
            terms = [Chain(tuple([item for item in row if item is not ABSENT])) for row in zip(*slots, strict=True)]
            column = [alone(term) if there is True else ABSENT for term, there in zip(terms, presence, strict=True)]
            repeat = self._repeats(column)
            said = [
                ABSENT if there is ABSENT else 0 if term is ABSENT else term.count if type(term) is Repeat else 1
                for term, there in zip(column, presence, strict=True)
            ]
            return Item(slot_name(slots[0]), Repeat(repeat.term, Hole(tuple(said), ("repeat", "count"))))

        def flush() -> None:
            repeats = [is_repeat(slots) for _, slots in waiting]
            if len(waiting) == 2 and not any(repeats) and are_contrary(waiting[0][0], waiting[1][0]):
                sides = [self._inner(slots) for _, slots in waiting]
                if any(type(side) is Chain for side in sides):
                    raise Different
                items.append(Item("", Choice(Presence(waiting[0][0]), *sides)))
            else:
                for (presence, slots), is_counted in zip(waiting, repeats, strict=True):
                    if self.of_networks or is_counted:
                        items.append(counted(presence, slots))
                        continue
                    inner = self._inner(slots)
                    names = [slot_name(slot) for slot in slots]
                    items.append(Item(names[0] if len(names) == 1 else "", Choice(Presence(presence), inner, IDENTITY)))
            waiting.clear()

        for slot in slots:
            there = tuple(
                [ABSENT if term is ABSENT else item is not ABSENT for term, item in zip(columns, slot, strict=True)]
            )
            if all(value is ABSENT or value for value in there):
                flush()
                items.append(self._slot(slot))
            elif waiting and waiting[-1][0] == there:
                waiting[-1][1].append(slot)
            else:
                waiting.append((there, [slot]))
        flush()
        return Chain(tuple(items))

    def _slot(self, slot: list[Any]) -> Item:
        kept = {item.kept for item in slot if item is not ABSENT}
        if len(kept) > 1 or (True in kept and len({item.name for item in slot if item is not ABSENT}) > 1):
            raise Different
        return Item(slot_name(slot), self.unify(_part(slot, lambda item: item.term)), kept.pop())

    def _inner(self, slots: list[list[Any]]) -> Any:
        items = [self._slot(slot) for slot in slots]
        if any(item.kept for item in items):
            raise Different
        return items[0].term if len(items) == 1 else Chain(tuple(items))


def _kind(term: Any, of_networks: bool = False) -> Any:
    """What terms have in common that have a pattern."""
    if type(term) is Use and of_networks:
        return tuple([name for name, _ in term.arguments]), term.kind
    if type(term) is Op or type(term) is Use:
        return term[:1], term.kind
    if type(term) is Merge:
        names = tuple([branch.name for branch in term.branches]) if OPERATORS[term.op.name].roles else ()
        return term.op.name, "merge", names
    if type(term) is Repeat:
        return "repeat"
    return term


def _part(columns: list[Any], of: Any) -> list[Any]:
    return [ABSENT if term is ABSENT else of(term) for term in columns]


# chains


def _items(term: Any) -> tuple[Item, ...]:
    if term is ABSENT:
        return ()
    if type(term) is not Chain:
        return (Item("", term),)
    found: list[Item] = []
    for item in term.items:  # a chain within a chain is one chain, unless it has a name that tells it
        is_within = type(item.term) is Chain and not item.kept and (not item.name or len(term.items) == 1)
        found += _items(item.term) if is_within else [item]
    return tuple(found)


def is_repeat(slots: list[list[Any]]) -> bool:
    """Whether some body says how often these parts stand: others have them no times."""
    return any(type(item.term) is Repeat for slot in slots for item in slot if item is not ABSENT)


def are_contrary(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether a body has either the one or the other."""
    return all(here is ABSENT or here != there for here, there in zip(one, other, strict=True))


def slot_name(slot: list[Any]) -> str:
    """The name that the parts of a slot have."""
    return str(next((item.name for item in slot if item is not ABSENT and item.name), ""))


def _wrapped(rows: list[tuple[Item, ...]], columns: list[Any]) -> list[tuple[Item, ...]]:
    """Bodies without a shortcut, where others have one, as merges of one branch."""
    merged = {
        (item.term.op.name, len(row) - at)
        for row in rows
        for at, item in enumerate(row)
        if type(item.term) is Merge and OPERATORS[item.term.op.name].roles is None and len(item.term.branches) == 2
    }
    if len(merged) != 1:
        return rows
    ((name, from_end),) = merged
    pattern = next(
        row
        for row in rows
        if len(row) >= from_end and type(row[-from_end].term) is Merge and row[-from_end].term.op.name == name
    )
    merge = pattern[-from_end].term
    short = [not _items(branch.term) for branch in merge.branches]
    if sum(short) != 1:
        return rows
    before, after = len(pattern) - from_end, from_end - 1
    found = []
    for row, term in zip(rows, columns, strict=True):
        if term is ABSENT or any(type(item.term) is Merge and item.term.op.name == name for item in row):
            found.append(row)
            continue
        inside = row[before : len(row) - after]
        if not inside or any(item.kept for item in inside):
            return rows
        branches = [
            Item(branch.name, NOTHING if is_short else Chain(inside))
            for branch, is_short in zip(merge.branches, short, strict=True)
        ]
        found.append((*row[:before], Item("", Merge(Op(name), tuple(branches))), *row[len(row) - after :]))
    return found


def _aligned(rows: list[tuple[Item, ...]], of_networks: bool, is_branch: bool = False) -> list[list[Any]]:
    """Slots of all rows: each holds the part of every row that belongs there, or ABSENT."""
    slots: list[list[Any]] = []
    order = sorted(range(len(rows)), key=lambda at: -len(rows[at]))
    for count, at in enumerate(order):
        row = rows[at]
        if count == 0:
            slots = [[ABSENT] * len(rows) for _ in row]
            pairs = [(place, place) for place in range(len(row))]
        else:
            pairs = _pairs(slots, row, of_networks, is_branch)
        taken = dict(pairs)
        merged: list[list[Any]] = []
        place = 0
        for slot_at, slot in enumerate(slots):
            if slot_at in taken:
                while place < taken[slot_at]:
                    merged.append(_alone(row[place], at, len(rows)))
                    place += 1
                slot[at] = row[place]
                place += 1
            merged.append(slot)
        merged += [_alone(item, at, len(rows)) for item in row[place:]]
        slots = merged
    return slots


def _alone(item: Item, at: int, count: int) -> list[Any]:
    slot = [ABSENT] * count
    slot[at] = item
    return slot


def _pairs(slots: list[list[Any]], row: tuple[Item, ...], of_networks: bool, is_branch: bool) -> list[tuple[int, int]]:
    """Which slot each part of a row belongs to: the alignment with the highest likeness."""
    if is_branch and len(slots) == len(row):
        return [(at, at) for at in range(len(row))]
    examples = [next(item for item in slot if item is not ABSENT) for slot in slots]
    n, m = len(slots), len(row)
    best = [[0] * (m + 1) for _ in range(n + 1)]
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            like = likeness(examples[i], row[j], of_networks)
            both = like + best[i + 1][j + 1] if like else 0
            best[i][j] = max(both, best[i + 1][j], best[i][j + 1])
    found = []
    i = j = 0
    while i < n and j < m:
        like = likeness(examples[i], row[j], of_networks)
        if like and best[i][j] == like + best[i + 1][j + 1]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def likeness(one: Item, other: Item, of_networks: bool = False) -> int:
    """How much two parts are alike; 0: they are not the same part."""
    first, second = _bare(one.term), _bare(other.term)
    if _kind(first, of_networks) != _kind(second, of_networks):
        return 0
    if one.term == other.term:
        return 6
    score = 2 + (bool(one.name) and one.name == other.name)
    if type(first) is Op:
        mine, theirs = dict(first.arguments), dict(second.arguments)
        score += mine.get("kernel") == theirs.get("kernel")
        score += mine.get("activation") == theirs.get("activation")
    return score


def _bare(term: Any) -> Any:
    while True:
        if type(term) is Chain and len(term.items) == 1:
            term = term.items[0].term
        elif type(term) is Repeat:
            term = term.term
        else:
            return "chain" if type(term) is Chain else term
