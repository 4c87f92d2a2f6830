"""A network held against transformers' and timm's definitions of it."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.engine.cost.analyze import total
from archcalc.engine.network import load
from archcalc.graph import Graph
from archcalc.results.verification import Check, compare
from archcalc.torch_bridge.zoo.decoders import MODELS
from archcalc.torch_bridge.zoo.models import parameters, passed


def zoo_checks(name: str, graph: Graph, library: str) -> Iterator[Check]:
    """Parameters, MACs, and elements of the cache, of a pass at the spec's own sizes and of steps; if it is defined."""
    model = MODELS.get(name)
    if model is None or model.library != library:
        return
    network, theirs = load(name), model.build()
    if model.settings:
        graph = network.graph(model.settings)
    yield compare(name, library, "", "params", total(graph).params, parameters(theirs))
    length = graph.input.spatial[0]
    whole = passed(theirs, model.inputs(theirs, length, 0))
    yield compare(name, library, "", "macs", total(graph).macs, whole.macs)
    if not model.pasts:
        return
    yield compare(name, library, "", "state", total(graph).state, whole.cached)
    for past in model.pasts:
        before = passed(theirs, model.inputs(theirs, past, 0)).given.past_key_values
        step = passed(theirs, {**model.inputs(theirs, 1, past), "past_key_values": before})
        ours = total(network.graph({**model.settings, "length": 1, "past": past}))
        yield compare(name, library, "", f"macs_past_{past}", ours.macs, step.macs)
        yield compare(name, library, "", f"state_past_{past}", ours.state, step.cached)
