"""A module called again with equal arguments and input: its nodes are copied under the new path."""

from __future__ import annotations

from typing import Any, NamedTuple

from archcalc.graph import Node
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

    def replay(self, template: Template, handle: Handle, path: str, at: int) -> Handle:
        """Copy what the same call gave before, under a new path."""
        first, last, first_known, last_known, old_path, old_input, output, spliced, characters = template
        nodes = self.nodes
        if len(nodes) + last - first > self.limits.layers:
            self.fail(
                "too-many-layers",
                f"the network has more than {self.limits.layers:,} operations",
                Span(at, at + 1),
                how_to_raise("layers"),
            )
        self.steps += max(last - first, last_known - first_known)
        self.count_names(characters + (last - first + last_known - first_known) * (len(path) - len(old_path)), at)
        shift = len(nodes) - first
        new_input = handle.node
        cut = len(old_path)
        head = path

        def moved(index: int) -> int:
            return index + shift if index >= first else new_input if index == old_input else index

        old_layer = layer = ""
        for old_name, name_of_layer, operator, inputs, x, y, shares, span in nodes[first:last]:
            if name_of_layer is not old_layer:
                old_layer = name_of_layer
                layer = head + old_layer[cut:] if cut or not head else f"{head}.{old_layer}"
            name = layer if old_name is old_layer else layer + old_name[len(old_layer) :]
            if len(inputs) == 1:
                only = inputs[0]
                new_inputs: tuple[int, ...] = (
                    only + shift if only >= first else new_input if only == old_input else only,
                )
            else:
                new_inputs = tuple(map(moved, inputs))
            root = shares + shift if shares >= first else shares
            # A node made as a tuple: half the time, and this is the inner loop of deep networks.
            nodes.append(tuple.__new__(Node, (name, layer, operator, new_inputs, x, y, root, span)))
        self.spliced.update(index + shift for index in spliced)
        paths = self.known
        for old in self.order[first_known:last_known]:
            known = paths.get(old)
            if known is not None:
                node, x, y, begins, ends, body, values, prefix = known
                places = moved(node), x, y, begins + shift, ends + shift, body, values, head + prefix[cut:]
                paths[head + old[cut:]] = tuple.__new__(Known, places)
                self.order.append(head + old[cut:])
        node_index = output.node
        if node_index == old_input:
            return handle
        return Handle(moved(node_index), output.shape)
