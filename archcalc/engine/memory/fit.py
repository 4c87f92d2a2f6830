"""The largest batch, or value of a variable, at which a network fits into so many bytes.

Doubling and halving find it, since memory grows with both; values that a network does not take are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from archcalc.engine.inputs import Given
from archcalc.engine.limits.budget import limit_of
from archcalc.engine.limits.solve import finest_step
from archcalc.engine.memory.memory import Asked, memory_of, memory_of_graph
from archcalc.engine.network import AnyNetwork, load
from archcalc.results.memory import Fit, Memory
from archcalc.source import Diagnostic, SpecError

BATCH = "batch"
MOST = 1 << 40
MOST_GAPS = 128  # neighbouring values that a network does not take, before it is taken to end there


def fitted(
    network: AnyNetwork,
    asked: Asked,
    limit: str,
    variable: str = BATCH,
    set: Mapping[str, Any] | None = None,
    input: Given = None,
) -> Memory:
    """What a network needs at the largest value that fits.

    Args:
        network: its name, a file, the text of a spec, or what `load` gave.
        asked: as `memory_of` takes it.
        limit: bytes, `24GiB`, that the peak under the rule `eager` keeps to, or each rank.
        variable: `batch`, or a variable of the spec that is a number: a resolution, a length.
        set: values of other variables.
        input: another input than the spec's.

    Raises:
        SpecError: no value fits, or every one does; no such variable; no amount of bytes.
        ValueError: as `memory_of`.
    """
    network = load(network)
    asked = asked.checked()
    most = limit_of("size_bytes", limit).most
    settings = dict(set or {})
    if variable == BATCH:
        graph = network.graph(settings, input, with_heads=False, step=asked.step)
        search = _Search(
            lambda value: memory_of_graph(network, graph, asked._replace(batch=value), is_as_written=not set), most, 1
        )
    else:
        finest_step(network, variable, settings)  # refuses what is no number
        search = _Search(
            lambda value: memory_of(network, asked, {**settings, variable: value}, input),
            most,
            max(network.least(variable), 1),
        )
    low, high = search.bounds()
    if low is None:
        least = search.first()
        needs = f"it needs {least.to_fit_bytes:,} bytes at {variable} {search.start:,}"
        help = (
            "a larger limit, a smaller dtype, --recompute block" if asked.train else "a larger limit, a smaller dtype"
        )
        raise SpecError([Diagnostic("no-solution", f"{network.name} does not fit into {limit}: {needs}", help=help)])
    found = search.at(low)
    assert found is not None
    after = None if high is None else search.at(high)
    next_bytes = None if after is None else after.to_fit_bytes
    fit = Fit(variable, low, found.to_fit_bytes, None if after is None else high, next_bytes, most, limit)
    return replace(found, fit=fit)


class _Search:
    def __init__(self, measure: Callable[[int], Memory], most: int, start: int) -> None:
        self.measure, self.most, self.start = measure, most, start
        self.seen: dict[int, Memory | None] = {}
        self.refusal: SpecError | None = None

    def at(self, value: int) -> Memory | None:
        """What is needed at a value; None: the network does not take it."""
        if value not in self.seen:
            try:
                self.seen[value] = self.measure(value)
            except SpecError as error:
                self.seen[value], self.refusal = None, error
        return self.seen[value]

    def first(self) -> Memory:
        """What is needed at the least value that is taken; `start` is then that value.

        Raises:
            SpecError: none is taken.
        """
        value = self.taken(range(self.start, self.start + 4 * MOST_GAPS))
        if value is None:
            assert self.refusal is not None
            raise self.refusal
        self.start = value
        found = self.at(value)
        assert found is not None
        return found

    def taken(self, values: range) -> int | None:
        """The first of some values that the network takes."""
        return next((value for value in values[: 4 * MOST_GAPS] if self.at(value) is not None), None)

    def fits(self, value: int) -> bool:
        """Whether the network takes a value and keeps to the limit."""
        found = self.at(value)
        return found is not None and found.to_fit_bytes <= self.most

    def bounds(self) -> tuple[int | None, int | None]:
        """The largest value that fits and the next that is taken; None: none fits, or there is no next."""
        self.first()
        low = self.start
        if not self.fits(low):
            return None, low
        while True:
            high = self.taken(range(2 * low, 3 * low + MOST_GAPS))
            if high is None or not self.fits(high):
                break
            low = high
            if low > MOST:
                message = "it needs no more memory with every larger value"
                raise SpecError([Diagnostic("no-limit", message, help="--for with another variable")])
        end = high if high is not None else 2 * low
        while end - low > 1:
            middle = (low + end) // 2
            value = self.taken(range(middle, end))
            if value is None:
                end = middle
            elif self.fits(value):
                low = value
            else:
                end = middle
                high = value
        return low, high if high is not None and not self.fits(high) else None
