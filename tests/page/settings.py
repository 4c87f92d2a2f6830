"""Settings of networks drawn at random, and what the engine says there."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from archcalc.engine.cost.traffic import TRAFFIC, traffic
from archcalc.engine.network import Network, analyze
from archcalc.results.cost import NetworkCost
from archcalc.results.live import BATCH, Live
from archcalc.source import SpecError


class Drawn(NamedTuple):
    """Numbers of units by variable, and what the network costs there; None where the engine refuses it."""

    numbers: dict[str, int]
    cost: NetworkCost | None
    said: str = ""


def drawn(network: Network, live: Live, count: int, seed: int = 1) -> Iterator[Drawn]:
    """So many settings: one to three variables moved, anywhere or to a simple multiple, beyond the slider too."""
    random = Random(seed)
    for _ in range(count):
        numbers = dict(live.point)
        for of in random.sample(live.free, min(len(live.free), random.randint(1, 3))):
            anywhere = random.randint(of.least, max(5 * of.number, 16))
            simple = max(of.least, of.number * random.choice([1, 2, 3]) // random.choice([1, 2, 4]))
            numbers[of.name] = random.choice([anywhere, anywhere, simple])
        set = {of.name: of.unit * numbers[of.name] for of in live.free if of.name != BATCH}
        try:
            yield Drawn(numbers, analyze(network, batch=numbers.get(BATCH, 1), set=set))
        except SpecError as error:
            yield Drawn(numbers, None, error.diagnostics[0].message)


def total(cost: NetworkCost, quantity: str) -> int:
    """A quantity of a page, by whole numbers."""
    if quantity in TRAFFIC:
        return sum(moved[TRAFFIC.index(quantity)] for moved in traffic(cost, cost.layers))
    return int(getattr(cost.totals, quantity))
