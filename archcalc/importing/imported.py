"""What importing gives: the text of a spec, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from archcalc.importing.calls import Calls


@dataclass(slots=True)
class Proof:
    """What was held, and what differs: nothing, or there is no text.

    `nodes` has for each call the index of the node that it is in the graph of the text. `unused` are tensors of the
    source that no operation of the text stores. `is_of_both` says that it was held at a second size of the input too.
    """

    held: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    nodes: dict[int, int] = field(default_factory=dict)
    is_of_both: bool = False
    unused: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the text is the source, node by node."""
        return not self.differences


@dataclass(slots=True)
class Unknown:
    """A part of the source that is `opaque` in the text."""

    name: str  # in the source
    layer: str  # in the text
    reason: str


@dataclass(slots=True)
class Imported:
    """A model as a spec. `text` is empty where the proof does not hold; `draft` is what would have stood there."""

    calls: Calls
    text: str
    proof: Proof
    unknown: list[Unknown] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # of the source to those of the text
    outputs: dict[str, str] = field(default_factory=dict)  # names of outputs after the first, likewise
    draft: str = ""
