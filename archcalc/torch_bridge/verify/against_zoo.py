"""A network held against transformers', timm's and diffusers' definitions of it."""

from __future__ import annotations

from collections.abc import Iterator

from archcalc.engine.cost.analyze import total
from archcalc.engine.network import load
from archcalc.engine.step import steps_of
from archcalc.graph import Graph
from archcalc.results.phase import Phase
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
    totals = total(graph, phase=Phase(steps_of(graph)))
    whole = passed(theirs, model.inputs(theirs, *model.sizes(graph)))
    figures = [("params", totals.params, parameters(theirs)), ("macs", totals.macs, whole.macs)]
    if model.pasts:
        figures.append(("state", totals.state + totals.state_once, whole.cached))
    for past in model.pasts:
        before = passed(theirs, model.inputs(theirs, past, 0))
        step = passed(theirs, {**model.inputs(theirs, 1, past), **before.carried})
        after = {"past": past} if "past" in network.spec.settable else {}  # a state has no length
        one = network.graph({**model.settings, **after}, step=True)
        ours = total(one, phase=Phase(steps_of(one), in_step=True))
        state = ours.state + ours.state_once
        figures += [(f"macs_past_{past}", ours.macs, step.macs), (f"state_past_{past}", state, step.cached)]
    for quantity, mine, others in figures:
        check = compare(name, library, "", quantity, mine, others)
        known = model.known_of(quantity)
        if check.state == "differs" and known is not None and known.explains(mine, others):
            check = check._replace(state="not counted", reason=known.reason)
        yield check
