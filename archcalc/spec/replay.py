"""A module called again with equal arguments and input: its operations stand for those of the calls after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NoReturn

from archcalc.graph import Repeat
from archcalc.named import NamedTuple
from archcalc.source import Span
from archcalc.spec.bind import Handle
from archcalc.spec.branches import Branches
from archcalc.spec.limits import how_to_raise
from archcalc.spec.references import Group, Known


class Template(NamedTuple):
    """What a module call gave, to be copied: nodes, named bodies, output."""

    first: int
    last: int
    first_item: int  # in the order of named bodies
    last_item: int
    named: int  # named bodies, those that are known no more among them
    path: str
    input: int
    output: Handle
    spliced: tuple[int, ...]  # when it was made: what its output is merged into later is not its own
    characters: int  # of its names


class Replays(Branches):
    """Keeps what calls of modules gave, and repeats it."""

    folds: ClassVar[bool] = True  # repeats are written out when somebody asks for what is in them

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.edge = -1  # where a body began or ended last: no repeat goes on over it, for it may be an original
        self.templates: dict[tuple[Any, ...], Template] = {}

    def too_many_layers(self, at: int) -> NoReturn:
        """Raise at what would make more operations than there may be."""
        self.fail(
            "too-many-layers",
            f"the network has more than {self.limits.layers:,} operations",
            Span(at, at + 1),
            how_to_raise("layers"),
        )

    def replay(self, template: Template, handle: Handle, paths: list[str], at: int) -> Handle:
        """Repeat what the same call gave before, once under each path, one copy after the other."""
        first, last, first_item, last_item, named, old_path, old_input, output, spliced, characters = template
        size, copies = last - first, len(paths)
        if self.count + size * copies > self.limits.layers:
            self.too_many_layers(at)
        self.steps += max(size, named) * copies
        longer = sum(map(len, paths)) - copies * len(old_path)
        self.count_names(characters * copies + (size + named) * longer, at)
        repeat = Repeat(
            len(self.written), self.count, first, size, old_path, paths, old_input, handle.node, output.node
        )  # fmt: skip
        if size:
            self.add_repeat(repeat)
        for index in spliced:
            self.spliced.update([repeat.moved(index, copy) for copy in range(copies)])
        bodies = sum([self.is_known(item) for item in self.order[first_item:last_item]])
        if bodies:
            group = Group(repeat, first_item, last_item, bodies * copies)
            self.order.append(group)
            self.unsettled[group] = None
            self.remembered += group.count
        if not self.folds:
            self.settle("")
            self.unfold()
        return Handle(repeat.output, output.shape) if output.node != old_input else handle

    def add_repeat(self, repeat: Repeat) -> None:
        """Put a repeat after the operations so far; one that goes on from the copies before it is one with them."""
        self.repeated += repeat.end - repeat.begin
        last = self.repeats[-1] if self.repeats and repeat.begin != self.edge else None
        original = repeat.first, repeat.size, repeat.written, repeat.path  # a module may hold nothing but another one
        if last and (last.first, last.size, last.written, last.path) == original and last.output == repeat.input:
            last.paths.extend(repeat.paths)
        else:
            self.repeats.append(repeat._replace(paths=[*repeat.paths]))

    def is_known(self, item: str | Group) -> int:
        """How many bodies an item of the order stands for."""
        return item.count if isinstance(item, Group) else item in self.known

    def paths(self, first: int, last: int) -> Iterator[str]:
        """Paths of bodies in the order in which they became known, those of repeats among them."""
        for item in self.order[first:last]:
            if isinstance(item, str):
                yield item
            else:
                if item in self.unsettled:
                    self.settle_group(item)
                yield from item.paths

    def settle(self, start: str, is_whole: bool = False) -> None:
        """Make bodies in repeats known by their paths, where a path may begin so, or be that one."""
        for group in [*self.unsettled]:
            place = group.repeat.paths[0].rpartition(".")[0]  # of all of them
            if is_whole:
                is_there = start.startswith(place) and any(map(start.startswith, group.repeat.paths))
            else:
                is_there = start.startswith(place) or place.startswith(start)
            if is_there and group in self.unsettled:
                self.settle_group(group)

    def all_known(self) -> list[str]:
        """Paths of all bodies that are known, in the order in which they became so."""
        return list(dict.fromkeys(path for path in self.paths(0, len(self.order)) if path in self.known))

    def settle_group(self, group: Group) -> None:
        """Make bodies in one repeat known."""
        del self.unsettled[group]
        repeat = group.repeat
        cut = len(repeat.path)
        originals = [path for path in self.paths(group.first_item, group.last_item) if path in self.known]
        bodies = [(path[cut:], self.known[path]) for path in originals]
        for copy, (path, prefix) in enumerate(zip(repeat.paths, repeat.prefixes(), strict=True)):
            for tail, (node, x, y, begins, ends, body, values, within) in bodies:
                shift = repeat.begin + repeat.size * copy - repeat.first
                places = (
                    repeat.moved(node, copy),
                    x,
                    y,
                    begins + shift,
                    ends + shift,
                    body,
                    values,
                    path + within[cut:],
                )
                self.known[prefix + tail] = tuple.__new__(Known, places)
                group.paths.append(prefix + tail)
