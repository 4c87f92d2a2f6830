"""What a definition of another library is, and what is counted of it: parameters, MACs, elements of its cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from archcalc.graph import Graph
from archcalc.torch_bridge.counters.counters import Remembered

Inputs = Callable[[Any, int, int], dict[str, Any]]  # of a model, for so many new tokens after so many


class Known(NamedTuple):
    """What a library has otherwise: its figure is ours times a factor and so many more, to the last integer."""

    factor: Fraction | int = 1
    reason: str = ""
    more: int = 0

    def explains(self, ours: int, theirs: int) -> bool:
        """Whether it is the whole of the difference."""
        return ours * self.factor + self.more == theirs


class ZooModel(NamedTuple):
    """A network as a library defines it.

    `inputs` gives the arguments of its forward pass for the new tokens of a step after a past; a network that reads
    no tokens makes them of whatever it is given.
    """

    library: str
    build: Callable[[], nn.Module]
    inputs: Inputs
    settings: Mapping[str, Any] = MappingProxyType({})  # where the comparison is not at the spec's own values
    pasts: tuple[int, ...] = ()  # steps of one token that are compared, after so many
    known: Mapping[str, Known] = MappingProxyType({})  # by quantity: what the library has otherwise

    def sizes(self, graph: Graph) -> tuple[int, int]:
        """New tokens of a graph's last text, and none before them; without a text, the height of its image."""
        texts = [shape for shape in graph.inputs.values() if shape.kind == "tokens"]
        spatial = (texts[-1] if texts else graph.input).spatial
        return (int(spatial[0]) if spatial else 0), 0

    def known_of(self, quantity: str) -> Known | None:
        """What the library has otherwise of a quantity: of this step, or of all steps and the whole pass."""
        return self.known.get(quantity, self.known.get(quantity.partition("_past_")[0]))


class Passed(NamedTuple):
    """A forward pass: what it gave, and what it took."""

    given: Any
    macs: int

    @property
    def cached(self) -> int:
        """Elements that it keeps for the next step, a batch of one."""
        return sum(each.numel() for each in _tensors(*self._kept.values()))

    @property
    def carried(self) -> dict[str, Any]:
        """Arguments that hand on to the next step what this pass leaves to it."""
        encoded = getattr(self.given, "encoder_last_hidden_state", None)
        return self._kept if encoded is None else {**self._kept, "encoder_outputs": (encoded,)}

    @property
    def _kept(self) -> dict[str, Any]:
        """The cache, as transformers 5.24 calls it, or as versions before do."""
        names = ("cache", "past_key_values", "cache_params")
        found = [(name, value) for name in names if (value := getattr(self.given, name, None)) is not None]
        return dict(found[:1])


def _tensors(cache: Any = None) -> Iterator[Tensor]:
    """Keys and values, and states of convolutions and recurrences, of whatever cache object it is."""
    if cache is None:
        return
    parts = [getattr(cache, name) for name in ("self_attention_cache", "cross_attention_cache") if hasattr(cache, name)]
    for part in parts or [cache]:
        for layer in part.layers:
            for name in ("keys", "values", "conv_states", "recurrent_states"):
                yield from (each for each in tree_leaves(getattr(layer, name, None)) if isinstance(each, Tensor))


def parameters(model: nn.Module) -> int:
    """Elements of all parameters, tied ones once."""
    return sum(each.numel() for each in model.parameters())


def passed(model: nn.Module, inputs: Mapping[str, Any]) -> Passed:
    """One forward pass under FlopCounterMode, which counts two for each multiplication that is added."""
    with Remembered(), FlopCounterMode(display=False) as mode, torch.no_grad():
        given = model(**inputs)
    return Passed(given, mode.get_total_flops() // 2)


def on_meta(make: Callable[[], nn.Module]) -> nn.Module:
    """A model without memory, for inference."""
    with torch.device("meta"):
        return make().eval()
