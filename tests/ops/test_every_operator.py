"""Laws of every operator: three kinds of numbers agree, refusals are of one kind, documents tell."""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from archcalc.dims import (
    Assumption,
    Dim,
    Polynomial,
    RequirementError,
    collecting_assumptions,
    evaluate,
    prod,
    variable,
)
from archcalc.engine.formula.symbolic import symbol, to_sympy
from archcalc.engine.sweep.arrays import evaluate_points, fits_int64
from archcalc.ops import HEADINGS, OPERATORS, ArgumentError, Operator, Shape, TorchCall, Window
from tests.strategies import Case, cases, shapes

EVERY = pytest.mark.parametrize("cls", OPERATORS.values(), ids=OPERATORS)
EXAMPLES = [
    pytest.param(cls, example, id=f"{name}-{index}")
    for name, cls in OPERATORS.items()
    for index, example in enumerate(cls.examples)
]
quiet = [HealthCheck.filter_too_much, HealthCheck.too_slow]


class Figures(NamedTuple):
    """All numbers that the rules of an operator give for an input, by name."""

    numbers: dict[str, Dim]
    words: dict[str, object]


def figures(operator: Operator, x: Any) -> Figures:
    """What every rule gives."""
    y = operator.infer(x)
    numbers: dict[str, Dim] = {"channels": y.channels}
    words: dict[str, object] = {"rank": y.rank}
    numbers |= {f"extent {axis}": extent for axis, extent in enumerate(y.spatial)}
    numbers |= operator.parameters(x)._asdict()
    for kind, number in operator.arithmetic(x, y)._asdict().items():
        (words if kind in ("reason", "known") else numbers)[kind] = number
    numbers["connections"] = operator.connections(x, y)
    numbers["state"] = operator.state(x, y)
    numbers["masked"] = operator.masked(x, y)
    saved = operator.saved(x, y)
    numbers |= {f"saved {place}": kept.elements for place, kept in enumerate(saved.made)}
    words["saved"] = saved._replace(made=tuple([kept._replace(elements=0) for kept in saved.made]))
    window = operator.window(x)
    if isinstance(window, Window):
        for field, axes in {**window._asdict(), "is_known": (window.is_known,)}.items():
            numbers |= {f"{field} {axis}": number for axis, number in enumerate(axes)}
    else:
        words["window"] = window
    return Figures(numbers, words)


class Symbolic(NamedTuple):
    """A case with variables instead of some of its numbers, and the values of these variables."""

    case: Case
    values: dict[str, int]
    at_least: dict[str, int]


@EVERY
def test_defaults_stand_as_converted(cls: type[Operator]) -> None:
    """Instances take a default as it is declared, so converting it must change nothing, not even its type."""
    for declared in cls.arguments.values():
        if not declared.is_required:
            converted = declared.convert(declared.default)
            assert (type(converted), converted) == (type(declared.default), declared.default), declared.name


@st.composite
def symbolic(draw: st.DrawFn, case: Case) -> Symbolic:
    """Variables for sizes of the input and for arguments that count, each or not."""
    values: dict[str, int] = {}
    bounds: dict[str, int] = {}

    def open_up(value: Any, name: str, at_least: int) -> Any:
        if isinstance(value, tuple):
            return tuple(open_up(item, f"{name}{axis}", at_least) for axis, item in enumerate(value))
        if not isinstance(value, int) or not draw(st.booleans()):
            return value
        values[name], bounds[name] = value, at_least
        return variable(name, at_least)

    def shape(x: Shape, name: str) -> Shape:
        return Shape(
            None if x.channels is None else open_up(x.channels, f"{name}c", 1),
            tuple(open_up(extent, f"{name}e{axis}", 1) for axis, extent in enumerate(x.spatial)),
        )

    arguments = dict(case.arguments)
    for name, declared in case.cls.arguments.items():
        # the number of windows of an adaptive pooling has no closed form
        if (
            declared.kind in ("count", "extents", "padding", "factors")
            and name not in ("size", "axes")
            and name in arguments
        ):
            arguments[name] = open_up(arguments[name], name, declared.at_least)
    if isinstance(case.x, tuple) and not isinstance(case.x, Shape):  # of a merge, or of a source: ()
        x: Any = tuple(shape(branch, f"x{index}") for index, branch in enumerate(case.x))
    else:
        x = shape(case.x, "x")
    return Symbolic(case._replace(arguments=arguments, x=x), values, bounds)


def met(assumption: Assumption, values: dict[str, int]) -> bool:
    """Whether an assumption holds for these values."""
    a, b = evaluate(assumption.a, values), evaluate(assumption.b, values)
    if " is divisible by " in assumption.text:
        return a % b == 0
    return a >= b if " is at least " in assumption.text else a == b


def refused(case: Case) -> RequirementError | None:
    """Why an input is refused: `infer` says so, and no other rule refuses what it takes."""
    try:
        case.operator.infer(case.x)
    except RequirementError as error:
        return error
    return None


@EVERY
@settings(max_examples=40, deadline=None, suppress_health_check=quiet)
@given(data=st.data())
def test_whole_numbers_and_polynomials_agree(cls: type[Operator], data: st.DataObject) -> None:
    """Rules on ints, on polynomials at those ints, at arrays; what ints refuse is refused or assumed."""
    case = data.draw(cases(cls))
    opened = data.draw(symbolic(case))
    refusal = refused(case)
    with collecting_assumptions() as assumptions:
        if refusal is not None and refused(opened.case) is not None:
            return
        try:
            got = figures(opened.case.operator, opened.case.x)
        except RequirementError as error:
            assert error.code == "hanging-windows"  # noqa: PT017  # no form where both depend on variables
            assert {"kernel", "dilation"} <= {name.rstrip("0123456789_") for name in opened.values}
            return
    broken = [assumption.code for assumption in assumptions if not met(assumption, opened.values)]
    if refusal is not None:
        assert refusal.code in broken
        return
    assert not broken
    expected = figures(case.operator, case.x)
    assert got.words == expected.words
    assert got.numbers.keys() == expected.numbers.keys()
    further = {name: np.array([value, value + 1, value + 6]) for name, value in opened.values.items()}
    ranges = {name: (value, value + 6) for name, value in opened.values.items()}
    for name, number in got.numbers.items():
        assert evaluate(number, opened.values) == expected.numbers[name], name
        if isinstance(number, Polynomial):
            dtype = np.dtype(np.int64 if fits_int64(number, ranges) else object)
            (swept,) = evaluate_points([number], further, dict.fromkeys(further, np.arange(3)), dtype)
            for index in range(3):
                point = {key: int(array[index]) for key, array in further.items()}
                assert int(swept[index]) == evaluate(number, point), name


@EVERY
@settings(max_examples=6, deadline=None, suppress_health_check=quiet)
@given(data=st.data())
def test_sympy_forms_agree(cls: type[Operator], data: st.DataObject) -> None:
    """The SymPy form of each figure, with the values put in."""
    case = data.draw(cases(cls))
    opened = data.draw(symbolic(case))
    try:
        figures(case.operator, case.x)
        with collecting_assumptions():
            got = figures(opened.case.operator, opened.case.x)
    except RequirementError:
        assume(False)
    values: Any = {symbol(name, opened.at_least[name]): value for name, value in opened.values.items()}
    for number in {number for number in got.numbers.values() if isinstance(number, Polynomial)}:
        assert to_sympy(number).subs(values) == evaluate(number, opened.values), str(number)


@EVERY
@settings(max_examples=60, deadline=None, suppress_health_check=quiet)
@given(data=st.data())
def test_shapes_are_positive_or_refused(cls: type[Operator], data: st.DataObject) -> None:
    """Inputs are refused by a code that the docstring names, or all rules hold, without negative counts."""
    case = data.draw(cases(cls, tokens=True))
    refusal = refused(case)
    if refusal is not None:
        assert refusal.code in documented(cls), f"{cls.name} does not document {refusal.code}"
        assert str(refusal)
        return
    got = figures(case.operator, case.x)
    for name, number in got.numbers.items():
        least = 1 if name.startswith(("channels", "extent", "kernel", "stride", "dilation", "upsample")) else 0
        assert isinstance(number, int), name
        assert number >= least or name.startswith("padding"), name
    assert isinstance(case.operator.torch(case.x), TorchCall)


@pytest.mark.parametrize(("cls", "example"), EXAMPLES)
def test_the_call_of_torch_is_told_as_python(cls: type[Operator], example: Any) -> None:
    operator, x = example.operation(cls)
    names = {node.id for node in ast.walk(ast.parse(str(operator.torch(x)))) if isinstance(node, ast.Name)}
    assert names <= {"nn", "archcalc", "torch"}


@EVERY
def test_values_of_another_kind_are_refused(cls: type[Operator]) -> None:
    """Each argument refuses a value of another kind, and one below its bound, in a sentence that names it."""
    for name, declared in cls.arguments.items():
        if declared.kind == "operation":
            continue
        for wrong in (
            object(),
            *([declared.at_least - 1] if declared.kind in ("count", "extents", "padding") else []),
        ):
            with pytest.raises(ArgumentError, match=f"^{name} "):
                declared.convert(wrong)


@pytest.mark.parametrize(("cls", "example"), EXAMPLES)
def test_examples_hold(cls: type[Operator], example: Any) -> None:
    """Every figure that a worked example names."""
    operator, x = example.operation(cls)
    got = figures(operator, x)
    assert operator.infer(x) == example.y
    stored = operator.parameters(x)
    numbers = {**got.numbers, "params": stored.weights + stored.biases + stored.norm, "norm": stored.norm}
    assert {key: numbers[key] for key in example.expect} == example.expect


@EVERY
def test_examples_are_worked(cls: type[Operator]) -> None:
    """At least two, each with a source and a figure, within the kinds of figures that examples name."""
    known = {"params", "weights", "biases", "norm", "buffers", "macs", "connections"}
    known |= {"additions", "multiplications", "divisions", "comparisons", "transcendentals", "state", "masked"}
    assert len(cls.examples) >= 2
    for example in cls.examples:
        assert re.match(r"by hand: .+|.+ \d{4}\b.*|design/.+", example.source), example.source
        assert example.expect
        assert example.expect.keys() <= known


def sections(cls: type[Operator]) -> dict[str, str]:
    """The text under each heading of the docstring."""
    text = cls.__doc__ or ""
    places = [text.index(f"    {heading}  ") for heading in HEADINGS]
    assert places == sorted(places)
    ends = [*places[1:], len(text)]
    return {
        heading: text[place:end].strip()[len(heading) :].strip()
        for heading, place, end in zip(HEADINGS, places, ends, strict=True)
    }


def documented(cls: type[Operator]) -> set[str]:
    """The codes that the docstring names."""
    return set(re.findall(r"[a-z0-9-]+", sections(cls)["Errors:"].replace("none.", "")))


@EVERY
def test_documents_have_their_headings(cls: type[Operator]) -> None:
    """A first line, then Shapes, Counts, Errors and Source, each with a text that ends as a sentence."""
    assert (cls.__doc__ or "").partition("\n")[0].endswith((".", "x."))
    for text in sections(cls).values():
        assert text.endswith(".")
    for rule in ("infer", "parameters", "arithmetic", "connections", "window", "torch"):
        assert vars(cls)[rule].__doc__
    for rule in ("state", "masked", "saved"):
        assert getattr(cls, rule).__doc__


# Laws of families.


@settings(max_examples=60, deadline=None, suppress_health_check=quiet)
@given(data=st.data())
def test_depthwise_is_conv_with_as_many_groups_as_channels(data: st.DataObject) -> None:
    case = data.draw(cases(OPERATORS["depthwise"]))
    arguments = dict(case.arguments)
    channels = case.x.channels * arguments.pop("multiplier", 1)
    conv = OPERATORS["conv"].of({**arguments, "channels": channels, "groups": case.x.channels})
    try:
        expected = figures(conv, case.x)
    except RequirementError as error:
        with pytest.raises(RequirementError, match=re.escape(str(error)).replace("conv", "depthwise")):
            figures(case.operator, case.x)
        return
    assert figures(case.operator, case.x) == expected


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_conv_of_one_tap_is_linear_at_each_position(inputs: int, outputs: int, length: int, bias: bool) -> None:
    x = Shape(inputs, (length,))
    linear = figures(OPERATORS["linear"].of({"channels": outputs, "bias": bias}), x)
    conv = figures(OPERATORS["conv"].of({"channels": outputs, "kernel": 1, "bias": bias}), x)
    assert linear.numbers == {key: conv.numbers[key] for key in linear.numbers}


@settings(max_examples=60, deadline=None, suppress_health_check=quiet)
@given(data=st.data(), factor=st.integers(2, 4))
def test_conv_counts_are_linear_in_channels(data: st.DataObject, factor: int) -> None:
    case = data.draw(cases(OPERATORS["conv"]))
    arguments = {key: value for key, value in case.arguments.items() if key not in ("connections", "groups")}
    assume(case.x.rank > 0)
    wider = {**arguments, "channels": arguments["channels"] * factor}
    try:
        one, more = (figures(case.cls.of(each), case.x).numbers for each in (arguments, wider))
    except RequirementError:
        assume(False)
    for name in ("weights", "biases", "macs", "additions", "connections", "channels"):
        assert more[name] == factor * one[name]
    deeper = figures(case.cls.of(arguments), case.x._replace(channels=case.x.channels * factor)).numbers
    for name in ("weights", "macs"):
        assert deeper[name] == factor * one[name]


@pytest.mark.parametrize("name", ["conv", "depthwise", "maxpool", "avgpool", "lppool", "subsample"])
@settings(max_examples=40, deadline=None, suppress_health_check=quiet)
@given(data=st.data())
def test_connections_never_exceed_taps(name: str, data: st.DataObject) -> None:
    """An output unit has at most a connection for each tap of each input map, and its bias."""
    case = data.draw(cases(OPERATORS[name]))
    try:
        got = figures(case.operator, case.x)
    except RequirementError:
        assume(False)
    y = case.operator.infer(case.x)
    taps = prod(got.numbers[f"kernel {axis}"] for axis in range(case.x.rank))
    most = (taps * case.x.channels + 1) * y.elements
    connections = got.numbers["connections"]
    assert isinstance(connections, int)
    assert isinstance(most, int)
    assert connections <= most


@pytest.mark.parametrize("name", ["maxpool", "avgpool", "lppool", "conv", "depthwise", "subsample"])
@settings(max_examples=40, deadline=None, suppress_health_check=quiet)
@given(data=st.data())
def test_windows_without_padding_read_only_input(name: str, data: st.DataObject) -> None:
    """The last window of valid padding ends inside the input, and one more would not."""
    case = data.draw(cases(OPERATORS[name]))
    given_ = {key: value for key, value in case.arguments.items() if key not in ("padding", "ceil")}
    operator = case.cls.of(given_)
    try:
        y = operator.infer(case.x)
    except RequirementError:
        assume(False)
    window = operator.window(case.x)
    assert isinstance(window, Window)
    for extent, positions, stride, reach in zip(case.x.spatial, y.spatial, window.stride, window.extent, strict=True):
        assert (positions - 1) * stride + reach <= extent < positions * stride + reach


@given(shapes())
def test_flatten_then_linear_is_linear(x: Shape) -> None:
    flat = OPERATORS["flatten"].of({}).infer(x)
    assume(x.kind != "sequence")
    linear = OPERATORS["linear"].of({"channels": 3})
    assert linear.parameters(flat) == linear.parameters(x)
    assert linear.infer(flat) == linear.infer(x)


@given(shapes(), st.integers(2, 4))
def test_order_of_branches_does_not_change_sums(x: Shape, more: int) -> None:
    wide = x._replace(channels=x.channels + more)
    concat = OPERATORS["concat"].of({})
    assert concat.infer((x, wide, x)) == concat.infer((wide, x, x))


@settings(max_examples=60, deadline=None)
@given(shapes(), st.integers(1, 4))
def test_unshuffle_undoes_shuffle(x: Shape, factor: int) -> None:
    assume(x.rank > 0)
    larger = x._replace(channels=x.channels * factor**x.rank)
    shuffled = OPERATORS["pixel_shuffle"].of({"factor": factor}).infer(larger)
    assert shuffled.elements == larger.elements
    assert OPERATORS["pixel_unshuffle"].of({"factor": factor}).infer(shuffled) == larger
