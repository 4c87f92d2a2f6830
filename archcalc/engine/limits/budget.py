"""Networks held to what they may cost at most, and amounts that are typed: `params=7M`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archcalc.results.budget import IN_BYTES, PEAK_MEMORY, QUANTITIES, BudgetCheck, Limit, Part
from archcalc.results.cost import LayerCost, NetworkCost
from archcalc.source import Diagnostic, SpecError
from archcalc.spec.budget import exact_amount, quantity_help, sample_amount

# Where a layer's part of a quantity has another name; None: layers have no part of it.
_PARTS = {
    "flops_arithmetic": "flops",
    "size_bytes": "stored_bits",
    "state_bytes": "state_bits",
    "peak_activations": None,
    "peak_memory": None,
    "layers": None,
    "depth": None,
    "depth_with_pooling": None,
}


def quantity_of(cost: NetworkCost, quantity: str) -> int:
    """A quantity of a network by its column name; the cost is counted under the convention `arithmetic`."""
    if quantity == PEAK_MEMORY:
        from archcalc.engine.memory.memory import peak_memory

        return peak_memory(cost)
    return int(getattr(cost.totals, "flops" if quantity == "flops_arithmetic" else quantity))


def over(limits: Iterable[Limit], costs: Mapping[str, int], start: Mapping[str, int] | None = None) -> str:
    """`macs is 1,814,073,344, over 1G`; `is then` where it is another than at the start."""
    return "; ".join(
        f"{name} {'is' if start is None or start.get(name) == costs[name] else 'is then'} {costs[name]:,}, over {text}"
        for name, most, text, *_ in limits
        if costs[name] > most
    )


def part_of(layer: LayerCost, quantity: str) -> int:
    """A layer's part of a quantity, 0 where layers have none; of bytes, the bits."""
    name = _PARTS.get(quantity, quantity)
    return int(getattr(layer, name)) if name else 0


def dearest(cost: NetworkCost, quantity: str, most: int = 3) -> tuple[Part, ...]:
    """The layers with most of a quantity."""
    layers = sorted(cost.layers, key=lambda layer: -part_of(layer, quantity))[:most]
    return tuple(
        Part(layer.name, layer.notation, getattr(layer, quantity) if quantity in IN_BYTES else part_of(layer, quantity))
        for layer in layers
        if part_of(layer, quantity)
    )


def check_budget(cost: NetworkCost, limits: Iterable[Limit]) -> list[BudgetCheck]:
    """Each limit beside what the network costs."""
    found = []
    for limit in limits:
        value = quantity_of(cost, limit.quantity)
        check = BudgetCheck(cost.name, limit, value, cost.is_lower_bound(limit.quantity), ())
        found.append(check._replace(dearest=dearest(cost, limit.quantity)) if check.verdict != "kept" else check)
    return found


def limit_of(quantity: str, text: str) -> Limit:
    """A limit that is typed.

    Raises:
        SpecError: an unknown quantity, or no amount.
    """
    known_quantity(quantity)
    most = exact_amount(text, quantity)
    if most is None:
        message = f"`{text}` is no amount of {quantity}"
        raise SpecError([Diagnostic("bad-amount", message, help=sample_amount(quantity))])
    return Limit(quantity, most, text)


def known_quantity(word: str) -> str:
    """A quantity by its column name.

    Raises:
        SpecError: there is none of that name, with the nearest.
    """
    if word not in QUANTITIES:
        raise SpecError([Diagnostic("unknown-quantity", f"no quantity is called `{word}`", help=quantity_help(word))])
    return word
