"""A model that was brought in: what was read, what it costs, what of it is known, and the spec of it."""

from __future__ import annotations

from archcalc.named import NamedTuple


class UnknownPart(NamedTuple):
    """A part of a model whose operations have no operator."""

    name: str  # in the source
    layer: str  # in the spec, where there is one
    reason: str


class ImportedModel(NamedTuple):
    """A model as a spec.

    `text` is empty where what was written is not the model, by `differences`; costs are of what was read, of one
    example. `bounds` are those of `params` and `macs` that are "at least". `held` says what was proven; `names` what
    the source's names became.
    """

    source: str
    name: str
    inputs: dict[str, str]
    operations: int
    tensors: int
    params: int
    macs: int
    buffers: int
    bounds: frozenset[str]
    text: str
    names: dict[str, str]
    held: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    unknown: tuple[UnknownPart, ...] = ()
    unused: tuple[str, ...] = ()  # tensors of the source that no operation stores
    unused_params: int = 0  # elements of these, which are not among the parameters
    notes: tuple[str, ...] = ()

    @property
    def is_proven(self) -> bool:
        """Whether the text is the model, node by node."""
        return bool(self.text)

    @property
    def lines(self) -> int:
        """Of the text, those that are not empty."""
        return sum(bool(line.strip()) for line in self.text.splitlines())
