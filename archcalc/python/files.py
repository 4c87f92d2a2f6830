"""What files of weights hold, as the command weights tells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archcalc.engine.network import AnyNetwork, analyze
from archcalc.python.answer import Answer
from archcalc.results.weights import Inventory


def inventory(
    path: str | Path, against: AnyNetwork | None = None, set: Mapping[str, Any] | None = None
) -> Answer[Inventory]:
    """Names, shapes and types of a file of weights, read from its header; no weight is read.

    Args:
        path: .safetensors, .safetensors.index.json, .gguf, or a folder.
        against: the network that they are of; None: that of the folder's config.json, where a spec describes it.
        set: values of variables of that network.

    Raises:
        SpecError: there is no such file, it is none of weights, or the network is wrong.
        ValueError: `set` is given, and no network is.
    """
    from archcalc.report.weights import inventory_object, rows, weights
    from archcalc.weights.beside import network_beside
    from archcalc.weights.inventory import inventory as inventory_of
    from archcalc.weights.read import read_weights

    path = Path(path)
    file = read_weights(path)
    cost, why = network_beside(path, set) if against is None else (analyze(against, set=set), "")
    if set and cost is None:
        raise ValueError("set is of a network, and none is told")
    found = inventory_of(file, cost, why)
    return Answer(found, lambda: inventory_object(found), lambda: rows(found), lambda: weights(found))
