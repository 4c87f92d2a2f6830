"""A spec and a setting of its variables to a graph: every layer with its name, shape and operations."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from archcalc.dims import Polynomial, Ratio
from archcalc.graph import Graph
from archcalc.ops import Shape
from archcalc.results.position import Position, position_of
from archcalc.source import Source, Span
from archcalc.spec.collector import paused_collector
from archcalc.spec.expander import Expander
from archcalc.spec.limits import DEFAULT_LIMITS, RECURSION, Limits
from archcalc.spec.model import Placed, Spec

if TYPE_CHECKING:
    from archcalc.results.structure import Structure

ExpanderT = TypeVar("ExpanderT", bound=Expander)


def expand(
    spec: Spec,
    name: str,
    overrides: Mapping[str, tuple[Placed, Source] | Polynomial | Ratio] | None = None,
    input_shapes: Mapping[str, Shape] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    with_heads: bool = True,
) -> Graph:
    """Expand one network of a spec.

    Args:
        spec: the file, read and checked.
        name: a variant, or the file's own name.
        overrides: variables set from outside: an expression with the text it stands in, or a free variable.
        input_shapes: of some inputs by name, instead of those of the file.
        limits: bounds on the work.
        with_heads: expand train-only heads too; without, an input that is too small for them alone is no error.

    Raises:
        SpecError: with one diagnostic, at the place where the expansion stopped.
    """
    given = (spec, name, overrides or {}, input_shapes or {}, limits, with_heads)
    with paused_collector():
        return _expanded(lambda: Expander(*given))[1]


def structure_of(
    spec: Spec,
    name: str,
    overrides: Mapping[str, tuple[Placed, Source] | Polynomial | Ratio] | None = None,
    input_shapes: Mapping[str, Shape] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    with_heads: bool = True,
) -> Structure:
    """Expand one network as `expand` does, and keep how it is put together.

    Raises:
        SpecError: as `expand`.
    """
    from archcalc.spec.record import Recorder

    given = (spec, name, overrides or {}, input_shapes or {}, limits, with_heads)
    with paused_collector():
        recorder, graph = _expanded(lambda: Recorder(*given))
        return recorder.structure(graph)


def _expanded(begin: Callable[[], ExpanderT]) -> tuple[ExpanderT, Graph]:
    expander = begin()
    try:
        return expander, expander.expand()
    except RecursionError:  # within the limits of the language, if not within Python's
        expander = begin()
        with deep_recursion():
            return expander, expander.expand(is_last=True)


def value_of(
    spec: Spec,
    name: str,
    variable: str,
    overrides: Mapping[str, tuple[Placed, Source] | Polynomial | Ratio] | None = None,
) -> Any:
    """What a variable of a network is, or an item of it: a number, a list, a word, a layer; None: it has no value.

    Raises:
        SpecError: with the place where its expression is wrong.
    """
    expander = Expander(spec, name, overrides or {}, {}, DEFAULT_LIMITS, with_heads=False)
    position = position_of(variable) or Position(variable)
    placed = expander.settings.get(position.variable)
    if placed is None:
        return None
    span = placed.span() if isinstance(placed, Placed) else Span(0, 1)
    return expander.item_of(expander.variable(position.variable, span), position)


def shapes_of(
    spec: Spec, name: str, overrides: Mapping[str, tuple[Placed, Source] | Polynomial | Ratio] | None = None
) -> dict[str, Shape]:
    """What a network reads, by name, without the rest of it.

    Raises:
        SpecError: with the place where an input is wrong.
    """
    return Expander(spec, name, overrides or {}, {}, DEFAULT_LIMITS, with_heads=False).read_inputs()


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Room for the deepest nesting that the limits allow; calls of Python code take none of the machine's stack."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
