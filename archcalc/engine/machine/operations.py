"""Times of a machine of one's own: each operation by the rates of its kind, and their fit to measured operations.

A library runs operations one after the other, and each in steps of their own: a convolution of oneDNN brings its input,
its weights and its output into another order and back. So the time of an operation is a sum, of something that each
takes, of its multiply-accumulates, of what it reads and writes, of its parameters; of what multiplies nothing, of its
elementary operations. Each kind has its own rates, none below zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from archcalc.engine.cost.costs import cost_of
from archcalc.engine.cost.experts import parameters_read
from archcalc.engine.cost.kinds import ADAPTIVE_AVERAGES, SETS_OF_ONE, is_view, kinds
from archcalc.engine.machine.model import spearman
from archcalc.engine.machine.work import is_elementwise, work_of
from archcalc.graph import Graph, Node
from archcalc.results.time import OperationFit, Rates, TimedNetwork, TimedOperation, Unseen

OTHER = "other"  # of any kind: what a kind that was not measured takes
PROBES = "probes"  # no network that anybody uses: its operations are measured, it is never left out
LEAST_S = 1e-6  # shorter operations weigh no more
_KINDS = {
    **{"depthwise": "depthwise", "linear": "linear", "maxpool": "max pool", "avgpool": "average pool"},
    **{"batch_norm": "batch norm", "softmax": "exponential"},
    **{"position_embedding": "elementwise", **dict.fromkeys(ADAPTIVE_AVERAGES, "global pool")},
    **dict.fromkeys(SETS_OF_ONE | {"rms_norm", "l2_norm"}, "layer norm"),
}
_AS_CONV = kinds("conv", "patch_embedding", "deconv", "local", "deform_conv")


def kind_of(node: Node) -> str:
    """What an operation is to a library: whose rates it has."""
    operator = node.operator
    name = operator.name
    if is_view(operator):
        return "view"
    if name in _AS_CONV:
        kernel = getattr(operator, "kernel", 0)
        if int(getattr(operator, "groups", 1) or 1) > 1:
            return "grouped conv"
        return "conv 1x1" if {*(kernel if isinstance(kernel, tuple) else (kernel,))} == {1} else "conv"
    if name == "attend":
        is_whole, is_shifted = getattr(operator, "blocks", None) is None, getattr(operator, "shift", None)
        return "attention" if is_whole else "shifted window attention" if is_shifted else "window attention"
    if name in _KINDS:
        return _KINDS[name]
    arithmetic = cost_of(operator, node.x, node.y).arithmetic
    if is_elementwise(node):
        return "exponential" if int(arithmetic.transcendentals) else "elementwise"
    has_none = not int(arithmetic.macs) and not int(arithmetic.additions) and not int(arithmetic.comparisons)
    return "copy" if has_none and not operator.keeps else name


def operations(
    graph: Graph,
    batch: int,
    bits: int,
    seconds: Sequence[float] = (),
    repeated: Sequence[bool] | None = None,
) -> tuple[TimedOperation, ...]:
    """The operations of a graph, and what each took where that is known; equal ones as one, with their mean.

    Args:
        graph: a network.
        batch: examples at once.
        bits: of an activation and of a parameter.
        seconds: of each operation.
        repeated: of a step, which operations it repeats.
    """
    found: dict[TimedOperation, list[float]] = {}
    for index, work in enumerate(work_of(graph, batch, bits)):
        if repeated is not None and not repeated[index]:
            continue
        node = graph.nodes[index]
        parameters = -(-_parameters(node, batch) * bits // 8) if work.macs else 0
        row = TimedOperation(
            kind_of(node),
            0,
            work.macs,
            work.read_bytes - parameters,
            work.write_bytes,
            parameters,
            0 if work.macs else work.elementary,
            0.0,
        )
        found.setdefault(row, []).append(seconds[index] if seconds else 0.0)
    return tuple(row._replace(times=len(each), seconds=sum(each) / len(each)) for row, each in found.items())


def _parameters(node: Node, batch: int) -> int:
    stored = cost_of(node.operator, node.x, node.y).parameters
    given: Any = stored.weights + stored.biases + stored.norm
    return int(parameters_read(node, given, batch))


def seconds(fit: OperationFit, of: Iterable[TimedOperation]) -> float:
    """What a fit gives for some operations, one after the other."""
    found = 0.0
    for one in of:
        rates = fit.kinds.get(one.kind) or fit.kinds[OTHER]
        found += one.times * float(_amounts([one])[0] @ np.array(rates[:-1]))
    return found / 1e6


def fit(networks: Sequence[TimedNetwork], with_errors: bool = True) -> OperationFit:
    """Rates of each kind, and the errors on each network of a fit to the others.

    The squares of what a kind's operations are off are weighted by one over their times: long ones count for more,
    short ones are not lost. What lies between operations, which no measurement of one sees, is what the runs of whole
    networks take beyond the sum of their operations: a part of it, and something for each of them.

    Args:
        networks: what was measured; those called `probes` are never left out.
        with_errors: of networks that the fit does not see.
    """
    rates = _rates(networks)
    judged = [one for one in networks if not is_probe(one.network)]
    found = OperationFit(rates, len(judged), 0.0)
    ratios = [seconds(found, one.operations) / one.seconds for one in judged]
    seen = float(np.abs(np.array(ratios) - 1).mean())
    return OperationFit(rates, len(judged), seen, _unseen(networks, judged) if with_errors else None)


def is_probe(network: str) -> bool:
    """Whether a network is there to be measured alone."""
    return network.partition("@")[0] == PROBES


def _rates(networks: Sequence[TimedNetwork]) -> dict[str, Rates]:
    everything = [one for network in networks for one in network.operations]
    by_kind: dict[str, list[TimedOperation]] = {OTHER: everything}
    for one in everything:
        by_kind.setdefault(one.kind, []).append(one)
    sums = [sum(one.times * one.seconds for one in network.operations) for network in networks]
    counts = [sum(one.times for one in network.operations) for network in networks]
    wholes = np.array([network.seconds for network in networks])
    part, between = _least_squares(np.array([sums, counts]).T / wholes[:, None], np.ones(len(wholes)))
    found = {}
    for kind in sorted(by_kind):
        rows = by_kind[kind]
        taken = np.array([one.seconds for one in rows])
        weights = np.sqrt(np.array([one.times for one in rows]) / np.maximum(taken, LEAST_S))
        rates = _least_squares(_amounts(rows) * weights[:, None], taken * 1e6 * weights) * part
        rates[0] += between * 1e6
        different = len({one._replace(times=0, seconds=0.0) for one in rows})
        found[kind] = Rates._make((*map(float, rates), different))
    return found


def _amounts(rows: Sequence[TimedOperation]) -> Any:
    """What rates are of: a row for each operation."""
    return np.array([(1e6, *row[2:7]) for row in rows], dtype=float) / 1e6


def _least_squares(amounts: Any, wanted: Any) -> Any:
    """Solution of least squares without a number below zero: the best of all choices of columns that has none."""
    products, goal = amounts.T @ amounts, amounts.T @ wanted
    used = [place for place in range(len(goal)) if products[place, place] > 0]
    best, least = np.zeros(len(goal)), 0.0
    for size in range(1, len(used) + 1):
        for chosen in combinations(used, size):
            try:
                tried = np.linalg.solve(products[np.ix_(chosen, chosen)], goal[list(chosen)])
            except np.linalg.LinAlgError:  # two columns that are multiples of each other: one of them does
                continue
            error = -float(tried @ goal[list(chosen)])  # of the sum of squares, what depends on the choice
            if (tried >= 0).all() and error < least:
                best, least = np.zeros(len(goal)), error
                best[list(chosen)] = tried
    return best


def _unseen(networks: Sequence[TimedNetwork], judged: Sequence[TimedNetwork]) -> Unseen | None:
    if len(judged) < 2:
        return None
    told = []
    for left in judged:
        rates = _rates([one for one in networks if one is not left])
        told.append(seconds(OperationFit(rates, 0, 0.0), left.operations))
    measured = [one.seconds for one in judged]
    errors = np.array(told) / np.array(measured) - 1
    # A machine is not always as fast: what runs of one network differ by is in the interval.
    spread = [taken / value for one, value in zip(judged, told, strict=True) for taken in one.rounds or (one.seconds,)]
    low, high = np.quantile(spread, [0.05, 0.95])
    rank = spearman(told, measured) if len(judged) > 2 else 1.0
    return Unseen(float(np.abs(errors).mean()), float(np.abs(errors).max()), float(low), float(high), rank)
