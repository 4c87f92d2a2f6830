"""Networks that are run in steps, as the command cache tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archcalc.engine.network import AnyNetwork
from archcalc.python.answer import Answer
from archcalc.results.cache import Cache


def cache(
    network: AnyNetwork,
    past: int | None = None,
    length: int | None = None,
    batch: int = 1,
    dtype: str = "bf16",
    *,
    context: int | None = None,
    max: str | None = None,
    set: Mapping[str, Any] | None = None,
) -> Answer[Cache]:
    """What a network keeps between steps, by kind, and what engines reserve for it.

    Args:
        network: the network.
        past: positions of earlier steps; without, none: what is kept after the length of the spec.
        length: new positions; without, 1 with a past, and that of the spec without one.
        batch: examples at once.
        dtype: of what is kept.
        context: positions that engines reserve which allocate all at once; without, those that there are.
        max: a limit in bytes, within which the longest past is looked for: `"16GiB"`.
        set: values of variables of the spec.

    Raises:
        SpecError: as `analyze`; the network keeps nothing, or cannot be stepped.
        ValueError: an unknown dtype, or a number below what it may be.
    """
    from archcalc.engine.cost.cache import cache_of
    from archcalc.report.cache import cache_object, kept, rows

    found = cache_of(network, past, length, batch, dtype, context, max, set)
    return Answer(found, lambda: cache_object(found), lambda: rows(found), lambda: kept(found, "raw"))
