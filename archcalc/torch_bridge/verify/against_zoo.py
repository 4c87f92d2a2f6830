"""A network held against transformers' and timm's definitions of it."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.engine.cost.analyze import total
from archcalc.engine.network import load
from archcalc.graph import Graph
from archcalc.results.verification import Check, compare
from archcalc.torch_bridge.zoo.definitions import MODELS
from archcalc.torch_bridge.zoo.models import parameters, passed


def zoo_checks(name: str, graph: Graph, library: str) -> Iterator[Check]:
    """Parameters, MACs and elements of the cache, of a pass at the spec's own sizes and of steps, if it is defined.

    What a library is known to do otherwise is said by its definition, with what it then has.
    """
    model = MODELS.get(name)
    if model is None or model.library != library:
        return
    network, theirs = load(name), model.build()
    if model.settings:
        graph = network.graph(model.settings)
    totals = total(graph)
    whole = passed(theirs, model.inputs(theirs, *model.sizes(graph)))
    figures = [("params", totals.params, parameters(theirs)), ("macs", totals.macs, whole.macs)]
    if model.pasts:
        figures.append(("state", totals.state, whole.cached))
    for past in model.pasts:
        before = passed(theirs, model.inputs(theirs, past, 0)).given.past_key_values
        step = passed(theirs, {**model.inputs(theirs, 1, past), "past_key_values": before})
        ours = total(network.graph({**model.settings, "length": 1, "past": past}))
        figures += [(f"macs_past_{past}", ours.macs, step.macs), (f"state_past_{past}", ours.state, step.cached)]
    for quantity, mine, others in figures:
        check = compare(name, library, "", quantity, mine, others)
        known = model.known.get(quantity.partition("_past_")[0])
        if check.state == "differs" and known is not None and known.explains(mine, others):
            check = check._replace(state="not counted", reason=known.reason)
        yield check
