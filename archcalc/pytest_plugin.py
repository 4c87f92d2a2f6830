"""For the tests of a model repository: `assert_cost("my.yaml", params=6_624_904, macs="<= 1.6G")`.

pytest loads this module at its start, so it imports nothing of archcalc before a test asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from archcalc.engine.inputs import Given
    from archcalc.results.cost import NetworkCost


class AssertCost:
    """Fails where a network does not cost what is asked; the fixture `assert_cost` also finds files beside the test."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def __call__(
        self,
        network: str,
        *,
        set: Mapping[str, Any] | None = None,
        input: Given = None,
        batch: int = 1,
        dtype: str = "fp32",
        with_heads: bool = False,
        scope: str = "",
        **quantities: int | str,
    ) -> None:
        """Hold a network to quantities.

        Args:
            network: a name, or a file: `my.yaml`, `my.yaml:variant`.
            set: values of variables of the spec.
            input: another input than the spec's, channels first.
            batch: examples at once.
            dtype: of the weights, for their size.
            with_heads: count train-only heads too.
            scope: the path of a stage, block or layer: only what is under it counts.
            quantities: by column name (`params`, `macs`, `flops_arithmetic`, `size_bytes`, ...) a whole number that it
                must be, or a condition: `"<= 1.6G"`, `"> 5M"`.

        Raises:
            AssertionError: what was asked, what is, by how much it differs, and the layers that cost most.
            SpecError: a spec that does not read, an unknown quantity, or no condition.
            TypeError: nothing is asked.
        """
        __tracebackhide__ = True
        from archcalc.engine.network import analyze

        if not quantities:
            raise TypeError('assert_cost() checks nothing: name a quantity, params=6_624_904 or macs="<= 1.6G"')
        network = self._beside(network)
        cost = analyze(network, set=set, input=input, batch=batch, dtype=dtype, with_heads=with_heads, scope=scope)
        failures = [text for name, asked in quantities.items() for text in _failure(cost, name, asked)]
        if failures:
            raise AssertionError("\n".join([f"{network} does not cost what is asked", *failures]))

    def _beside(self, network: str) -> str:
        """The file in the folder, where there is none of that name where pytest runs."""
        from archcalc.spec.library import file_and_variant, looks_like_file

        if self._folder is None or not looks_like_file(network):
            return network
        path, variant = file_and_variant(network)
        beside = self._folder / path
        if Path(path).exists() or not beside.is_file():
            return network
        return f"{beside}:{variant}" if variant else str(beside)


assert_cost = AssertCost()


@pytest.fixture(name="assert_cost")
def _assert_cost(request: pytest.FixtureRequest) -> AssertCost:
    """Assert what a network costs; a file is looked for where pytest runs, then beside the test."""
    return AssertCost(request.path.parent)


def _failure(cost: NetworkCost, name: str, asked: int | str) -> list[str]:
    """Lines about a quantity that is not as asked; none where it is."""
    from archcalc.engine.limits.budget import dearest, quantity_of
    from archcalc.engine.limits.conditions import condition, is_met

    if isinstance(asked, bool) or not isinstance(asked, int | str):
        raise TypeError(f'{name} is asked to be {asked!r}; ask for a whole number, or "<= 1.6G"')
    wanted = condition(str(asked), name)
    if wanted.of != "value":
        raise TypeError(f'{name} is asked to be "{asked}", a change; ask for a value: "<= 1.6G"')
    value = quantity_of(cost, name)
    bounded = cost.is_lower_bound(name)
    holds = is_met(wanted, value, value)
    # A lower bound proves that something is larger, nothing else.
    if holds and not (bounded and wanted.sign not in (">", ">=")):
        return []
    shown = f"{asked:,}" if isinstance(asked, int) else asked
    difference = value - int(wanted.amount)
    lines = [f"  {name}: asked {shown}, got {'at least ' if bounded else ''}{value:,}{_by(difference, wanted.amount)}"]
    if bounded:
        lines.append("    an operation is of unknown cost, so that more than this cannot be told")
    layers = ", ".join(f"{part.layer} ({part.notation}) {part.value:,}" for part in dearest(cost, name))
    return [*lines, f"    most in {layers}"] if layers else lines


def _by(difference: int, asked: Any) -> str:
    """`: 98,376,192 (6.1%) more`."""
    from archcalc.report.media.numbers import with_percent

    if difference == 0:
        return ""
    return f": {with_percent(abs(difference), int(asked))} {'more' if difference > 0 else 'less'}"
