"""A module called again with equal arguments and input: its nodes are copied under the new path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from archcalc.graph import Node
from archcalc.named import NamedTuple
from archcalc.source import Span
from archcalc.spec.bind import Handle
from archcalc.spec.branches import Branches
from archcalc.spec.limits import how_to_raise
from archcalc.spec.references import Known


class Template(NamedTuple):
    """What a module call gave, to be copied: nodes, named bodies, output."""

    first: int
    last: int
    first_known: int
    last_known: int
    path: str
    input: int
    output: Handle
    spliced: tuple[int, ...]  # when it was made: what its output is merged into later is not its own
    characters: int  # of its names


class Replays(Branches):
    """Keeps what calls of modules gave, and copies it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.templates: dict[tuple[Any, ...], Template] = {}

    def too_many_layers(self, at: int) -> NoReturn:
        """Raise at what would make more operations than there may be."""
        self.fail(
            "too-many-layers",
            f"the network has more than {self.limits.layers:,} operations",
            Span(at, at + 1),
            how_to_raise("layers"),
        )

    def replay(self, template: Template, handle: Handle, paths: Sequence[str], at: int) -> Handle:
        """Copy what the same call gave before, once under each path, one copy after the other."""
        first, last, first_known, last_known, old_path, old_input, output, spliced, characters = template
        size, named = last - first, last_known - first_known
        if len(self.nodes) + size * len(paths) > self.limits.layers:
            self.too_many_layers(at)
        self.steps += max(size, named) * len(paths)
        cut = len(old_path)
        shift, new_input = 0, old_input

        def moved(index: int) -> int:
            return index + shift if index >= first else new_input if index == old_input else index

        # What all copies have in common is found once, and a node is made as a tuple, which takes half the time: this
        # is the inner loop of deep networks.
        layers: dict[str, int] = {}
        rows = []
        for name, layer, operator, inputs, x, y, shares, span in self.nodes[first:last]:
            number = layers.setdefault(layer, len(layers))
            before = inputs[0] if len(inputs) == 1 and inputs[0] >= first else None
            rows.append((number, name[len(layer) :], operator, before, inputs, x, y, shares, span))
        tails = [layer[cut:] for layer in layers]
        bodies = [(old[cut:], self.known[old]) for old in self.order[first_known:last_known] if old in self.known]
        for path in paths:
            self.count_names(characters + (size + named) * (len(path) - cut), at)
            shift, new_input = len(self.nodes) - first, handle.node
            start = path if cut or not path else f"{path}."
            new = [start + tail for tail in tails]
            self.nodes += [
                tuple.__new__(
                    Node,
                    (
                        new[number] + tail,
                        new[number],
                        operator,
                        tuple(map(moved, inputs)) if before is None else (before + shift,),
                        x,
                        y,
                        shares + shift if shares >= first else shares,
                        span,
                    ),
                )
                for number, tail, operator, before, inputs, x, y, shares, span in rows
            ]
            self.spliced.update([index + shift for index in spliced])
            for tail, (node, x, y, begins, ends, body, values, prefix) in bodies:
                places = moved(node), x, y, begins + shift, ends + shift, body, values, path + prefix[cut:]
                self.remember(start + tail, tuple.__new__(Known, places))
            if output.node != old_input:
                handle = Handle(moved(output.node), output.shape)
        return handle
