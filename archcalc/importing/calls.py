"""What every reader of models gives and the decompiler takes: the operations of a network as data.

A reader (torch, ONNX, prototxt) lowers its source to archcalc's operators; from here on nothing knows of the source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from archcalc.named import NamedTuple
from archcalc.ops import Operator, Shape


class Scope(NamedTuple):
    """One module of the source around a call.

    `name` is the last part of its path (`layer1`, `0`, `conv1`), `kind` its class (`Bottleneck`; empty where the
    source has none). `arguments` are those of its constructor by name, defaults among them where they are known.
    Two calls of one module have one `instance`; each time that it runs is a `run` of its own.
    """

    name: str
    kind: str = ""
    arguments: Mapping[str, Any] = {}
    instance: int = 0
    run: int = 0


@dataclass(slots=True, eq=False, repr=False)
class Call:
    """One operation, as a node of a graph: a convolution, its norm and its activation are three calls.

    `operator` has all arguments of its own, none of `norm` and `activation`. `inputs` are indices of earlier calls,
    or -1, -2, ... for the inputs in their order; with an operator that has roles, in the order of `roles`. `weights`
    are the names of the tensors that it stores, in the source's own words: equal names are one tensor. `shape` is
    what it gives for one example; `name` what the source calls it, for names of layers and for messages. `reason` is
    that of an `opaque` call: which operations of the source it stands for, and why they are not known.
    """

    operator: Operator
    inputs: tuple[int, ...]
    shape: Shape
    scope: tuple[Scope, ...] = ()
    name: str = ""
    weights: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    reason: str = ""


@dataclass(slots=True, eq=False, repr=False)
class Calls:
    """A network as read: its inputs by name, its calls in an order in which they can run, what it gives.

    `outputs` are indices of calls by name, the first the network's own. `parameters` are all tensors of the source
    that can be trained, by name with their shapes, whether a call uses them or not; `buffers` those that cannot.
    `named` are constructor arguments of the whole model (`num_classes=10`). `notes` are sentences for the reader:
    what the source said that a spec does not (a batch of 10, folded norms), and what was left out. `free` names
    symbolic extents of the inputs with the value at which this was read: `{"length": 128}`. `ragged` is by how many
    positions another input must differ from whole windows for what depends on that to show, 0 where nothing does.
    """

    name: str
    inputs: dict[str, Shape]
    calls: list[Call]
    outputs: dict[str, int]
    parameters: dict[str, tuple[int, ...]] = field(default_factory=dict)
    buffers: dict[str, tuple[int, ...]] = field(default_factory=dict)
    named: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    free: dict[str, int] = field(default_factory=dict)
    source: str = ""  # as the user gave it
    constant_macs: int = 0  # of work on stored numbers alone, done once and in no call; torch's FlopCounterMode has it
    ragged: int = 0
    lowered: Any = field(default=None, repr=False, compare=False)  # where what was run went, for a second reading
    again: Callable[[Any], Calls | None] | None = field(default=None, repr=False, compare=False)
    """Reads what was loaded or made for this once more, at another input; gives None where that must be made anew."""

    def shape(self, index: int) -> Shape:
        """What a call gives; -1, -2, ... are the inputs."""
        return self.calls[index].shape if index >= 0 else list(self.inputs.values())[-1 - index]
