"""Hypothesis strategies for operators, made from the arguments that they declare."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from hypothesis import strategies as st

from archcalc.ops import REQUIRED, Argument, LayerReference, Operator, Shape, Table

MADE_OF_EXAMPLES = {"deform_conv"}  # whose branches hardly ever fit by chance
KINDS = {"features": 0, "sequence": 1, "image": 2, "volume": 3}


class Case(NamedTuple):
    """Arguments and an input (a tuple of them where the operator merges); not all of them are accepted."""

    cls: type[Operator]
    arguments: dict[str, Any]
    x: Any
    given: tuple[str, ...] = ()  # roles of the branches

    @property
    def operator(self) -> Operator:
        """The operator with these arguments."""
        return self.cls.of(self.arguments).variant(given=self.given)


def shapes(tokens: bool = False) -> st.SearchStrategy[Shape]:
    """Shapes of every kind, with extents and channels from 1 on; those with many divisors more often."""
    channels = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24])
    extents = st.integers(1, 20)
    ranks = st.sampled_from([0, 1, 1, 2, 2, 2, 3])
    known = ranks.flatmap(lambda rank: st.builds(Shape, channels, st.tuples(*[extents] * rank)))
    return st.one_of(known, known, known, st.builds(Shape, st.none(), st.tuples(extents))) if tokens else known


def counts(argument: Argument) -> st.SearchStrategy[int]:
    """Whole numbers from the bound on, small ones more often."""
    return st.integers(argument.at_least, argument.at_least + 3) | st.integers(
        argument.at_least, argument.at_least + 12
    )


def numbers(argument: Argument) -> st.SearchStrategy[Fraction | int]:
    """Exact decimals from the bound on; 0 and 1 where merges count their branches with one."""
    low = max(argument.at_least, -3)
    return st.integers(low, low + 1) | st.fractions(low, low + 4, max_denominator=100)


def tables(x: Shape) -> st.SearchStrategy[Table]:
    """Connection tables, mostly with a row for each input map."""
    rows = st.sampled_from([x.channels or 1] * 5 + [2])
    return st.tuples(rows, st.integers(1, 5)).flatmap(
        lambda size: st.builds(Table, st.tuples(*[st.tuples(*[st.booleans()] * size[1])] * size[0]))
    )


@st.composite
def layers(draw: st.DrawFn, x: Shape) -> LayerReference:
    """An earlier layer; mostly one that gave a shape like x."""
    y = x if draw(st.integers(0, 4)) else draw(shapes(tokens=True))
    before = Shape(y.channels, tuple(extent * 2 + draw(st.integers(-1, 1)) for extent in y.spatial))
    return LayerReference("earlier", 0, draw(st.sampled_from([before, before, x])), y)


def values(argument: Argument, x: Shape, rank: int) -> st.SearchStrategy[Any]:
    """Values of an argument, for an input like x with so many spatial axes."""
    count = counts(argument)
    axes = st.tuples(*[count] * max(rank, 1))
    made: dict[str, st.SearchStrategy[Any]] = {
        "count": count,
        "extents": st.one_of(count, count, axes, st.lists(count, min_size=1, max_size=3).map(tuple)),
        "padding": st.one_of(count, count, axes, st.tuples(*[count] * 2 * max(rank, 1))),
        "factors": st.one_of(count, count, axes, st.fractions(Fraction(1, 2), 4, max_denominator=4)),
        "size": st.one_of(count, axes),
        "flag": st.booleans(),
        "number": numbers(argument),
        "table": tables(x),
        "layer": layers(x),
        "operation": st.none(),
    }
    if argument.kind == "word":
        strategy: st.SearchStrategy[Any] = st.sampled_from(argument.words)
    elif argument.kind == "padding" and argument.words:
        strategy = st.one_of(st.sampled_from(argument.words), made["padding"])
    else:
        strategy = made[argument.kind]
    return st.none() | strategy if argument.default is None else strategy


@st.composite
def cases(draw: st.DrawFn, cls: type[Operator], tokens: bool = False) -> Case:
    """Arguments within their declared bounds and an input; often one that the operator takes."""
    x = draw(shapes(tokens or cls.looks_up))
    inputs: Any = () if cls.sources else x
    given: tuple[str, ...] = ()
    arguments: dict[str, Any] = {}
    if cls.roles is not None or cls.name in MADE_OF_EXAMPLES:
        return draw(cases_of_examples(cls))
    if cls.merges:
        # alike but for channels, smaller or repeated extents
        spatial = st.tuples(*[st.sampled_from([extent, extent, extent, 1, 3]) for extent in x.spatial])
        channels = st.sampled_from([x.channels, x.channels, 4])
        other = st.just(x) | st.just(x) | st.builds(Shape, channels, spatial) | shapes(tokens)
        inputs = (x, *draw(st.lists(other, min_size=1, max_size=3)))
    for name, declared in cls.arguments.items():
        if declared.default is REQUIRED or draw(st.booleans()):
            arguments[name] = draw(values(declared, x, x.rank))
    return Case(cls, arguments, inputs, given)


@st.composite
def cases_of_examples(draw: st.DrawFn, cls: type[Operator]) -> Case:
    """A worked example with other extents and arguments; most of them together as they were."""
    example = draw(st.sampled_from(cls.examples))
    operator, found = example.operation(cls)
    x: tuple[Shape, ...] = found
    times = {size: draw(st.integers(1, 3)) * (size if size < 10 else 1) for shape in x for size in shape.spatial}
    kept = tuple(
        Shape(shape.channels, tuple(size if draw(st.integers(0, 19)) == 19 else times[size] for size in shape.spatial))
        for shape in x
    )
    arguments = dict(example.arguments)
    for name, declared in cls.arguments.items():
        if draw(st.integers(0, 7)) == 7:
            arguments[name] = draw(values(declared, x[0], x[0].rank))
    return Case(cls, arguments, kept, operator.given)
