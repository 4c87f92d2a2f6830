"""What a network needs on a machine, as the command memory tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archcalc.engine.inputs import Given
from archcalc.engine.network import AnyNetwork
from archcalc.python.answer import Answer
from archcalc.results.memory import Memory, Recompute


def memory(
    network: AnyNetwork,
    batch: int = 1,
    dtype: str = "fp32",
    *,
    train: bool = False,
    optimizer: str = "adamw",
    master: str = "",
    recompute: Recompute = "none",
    frozen: Sequence[str] = (),
    lora: int = 0,
    adapted: Sequence[str] = (),
    cuda: bool = False,
    past: int | None = None,
    step: bool = False,
    fit: str | None = None,
    variable: str = "batch",
    ranks: Mapping[str, int] | None = None,
    zero: int = 0,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
) -> Answer[Memory]:
    """What a network needs on a machine: parts in bytes, the layer at which most is needed, what is alive there.

    Args:
        network: the network.
        batch: examples at once.
        dtype: of weights, activations and gradients.
        train: for a step of training, not a forward pass alone.
        optimizer: `sgd`, `momentum`, `adam`, `adamw` or `adafactor`.
        master: dtype of a second copy of the weights, and of what the optimiser keeps.
        recompute: what is computed again instead of kept: `none`, `block` or `full`.
        frozen: patterns of layers that are not trained.
        lora: rank of matrices beside linear layers and convolutions, which alone are trained.
        adapted: patterns of the layers that have them; all, where there are none.
        cuda: masks of dropout as CUDA keeps them, a byte for each element.
        past: positions of earlier steps, in the variable of that name.
        step: of one step: a decoder's next token.
        fit: a limit in bytes, `"24GiB"`, for which the largest value is found.
        variable: of what: `batch`, or a variable of the spec.
        ranks: `{"dp": 8, "tp": 4}`: how many ranks divide it.
        zero: stage of ZeRO, 0 to 3.
        set: values of variables of the spec.
        input: another input than the spec's, channels first.

    Raises:
        SpecError: as `analyze`; nothing is trained, nothing fits, or ranks do not divide.
        ValueError: an unknown word, or a number below what it may be.
    """
    from archcalc.engine.memory.fit import fitted
    from archcalc.engine.memory.memory import Asked, memory_of
    from archcalc.engine.memory.sharding import Ranks
    from archcalc.report.memory import memory_object, needed, rows

    asked = Asked(
        batch,
        dtype,
        train,
        optimizer,
        master,
        recompute,
        tuple(frozen),
        lora,
        tuple(adapted),
        cuda,
        step or past is not None,
        Ranks.of(ranks or {}),
        zero,
    )
    settings = {**({} if past is None else {"past": past}), **(set or {})}
    if fit is None:
        found = memory_of(network, asked, settings, input)
    else:
        found = fitted(network, asked, fit, variable, settings, input)
    return Answer(found, lambda: memory_object(found), lambda: rows(found), lambda: needed(found, "raw"))
