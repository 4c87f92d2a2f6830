"""Poolings whose windows hang over the edge: every tap counted out, and where torch's gradients are not zero."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest

import archcalc
from archcalc.dims import RequirementError, evaluate, minimum, variable, windows_inside
from archcalc.ops import OPERATORS, Shape
from archcalc.ops.window import all_padding, per_axis
from tests.engine.small import network


def counted_out(x: Shape, y: Shape, window: tuple[Any, Any, Any, Any]) -> tuple[int, int]:
    """Taps inside the input and windows that have some, of one channel, one by one."""
    kernel, stride, padding, dilation = window
    rank = x.rank
    kernels, strides, spacing = (per_axis(value, rank, "") for value in (kernel, stride, dilation))
    pads = all_padding(x, kernel, stride, padding, dilation)
    taps = windows = 0
    for place in product(*(range(int(str(extent))) for extent in y.spatial)):
        inside = 1
        for axis, at in enumerate(place):
            first = at * strides[axis] - pads[axis][0]
            reads = [first + tap * spacing[axis] for tap in range(kernels[axis])]
            inside *= sum(0 <= position < x.spatial[axis] for position in reads)
        taps += inside
        windows += inside > 0
    return taps, windows


def cases(many: int) -> list[tuple[str, dict[str, Any], Shape]]:
    choose = random.Random(11)
    found: list[tuple[str, dict[str, Any], Shape]] = []
    while len(found) < many:
        name = choose.choice(["maxpool", "avgpool", "lppool"])
        rank = choose.choice([1, 1, 2, 2, 3])
        arguments: dict[str, Any] = {
            "kernel": tuple(choose.randint(1, 4) for _ in range(rank)),
            "stride": choose.randint(1, 4),
            "ceil": choose.random() < 0.5,
        }
        if name != "lppool":
            paddings: list[Any] = [0, 1, 3, "half", tuple(choose.randint(0, 3) for _ in range(2 * rank))]
            arguments["padding"] = choose.choice(paddings if arguments["ceil"] else [*paddings, "same"])
        if name == "maxpool":
            arguments["dilation"] = choose.randint(1, 3)
        if name == "avgpool":
            arguments["count_include_pad"] = choose.random() < 0.5
        found.append((name, arguments, Shape(2, tuple(choose.randint(1, 9) for _ in range(rank)))))
    return found


def test_taps_are_those_inside_the_input() -> None:
    compared = 0
    for name, arguments, x in cases(600):
        operator = OPERATORS[name].of(arguments)
        try:
            y = operator.infer(x)
        except ValueError:  # no window fits
            continue
        window = (
            arguments["kernel"], arguments["stride"], arguments.get("padding", 0), arguments.get("dilation", 1),
        )  # fmt: skip
        taps, windows = (2 * number for number in counted_out(x, y, window))
        assert operator.connections(x, y) == taps, (name, arguments, x)
        done = operator.arithmetic(x, y)
        assert done.pooling == y.elements
        assert done.comparisons + done.additions == taps - windows, (name, arguments, x)
        assert done.transcendentals == (taps + y.elements if name == "lppool" else 0)
        compared += 1
    assert compared > 300


def test_closed_forms_are_the_numbers() -> None:
    """Over a variable extent, for every window and padding: the sum of terms against what numbers give."""
    for kernel, stride, before, after, dilation, ceil in product(
        (1, 2, 3, 5), (1, 2, 3), (0, 1, 4), (0, 2), (1, 2), (0, 1)
    ):
        reach = dilation * (kernel - 1)
        extent = variable("extent", max(1, reach + 1 - before - after))
        shift = before + after - reach - 1 + stride
        if ceil:
            shift = min(before + after - reach + 2 * stride - 2, before + stride - 1)
        outputs = (extent + shift) // stride
        hangs = after + (stride - 1 if ceil else 0)
        form = windows_inside(extent, outputs, kernel, stride, before, hangs, dilation)
        for value in range(max(1, reach + 1 - before - after), 14):
            numbers = windows_inside(value, (value + shift) // stride, kernel, stride, before, hangs, dilation)
            assert (evaluate(form.taps, {"extent": value}), evaluate(form.windows, {"extent": value})) == numbers


def test_a_billion_taps_are_counted_at_once() -> None:
    """By hand: of the windows that begin at -10**9 to 7, each of the 8 positions lies in 10**9 + 1."""
    many = 10**9
    found = windows_inside(8, many + 8, many + 1, 1, many, many, 1)
    assert found.taps == 8 * (many + 1)
    assert found.windows == many + 8


def test_the_mean_over_two_positions_is_one_addition() -> None:
    """By hand: windows over 4 positions are 0 to 2 and, hanging over, 2 to 3."""
    for include in ("true", "false"):
        text = f"p: avgpool(3, stride=2, ceil=true, count_include_pad={include})"
        cost = archcalc.analyze(network(text, "sequence(1, 4)"))
        assert (cost.totals.additions, cost.totals.divisions, cost.totals.connections) == (3, 2, 5)


@pytest.mark.torch
def test_torch_reads_as_many_positions() -> None:
    """Where the mean of a window has a gradient; torch takes padding of at most half a kernel."""
    torch = pytest.importorskip("torch")
    choose = random.Random(5)
    for _ in range(60):
        rank, kernel, stride = choose.randint(1, 3), choose.randint(2, 4), choose.randint(1, 3)
        padding, ceil, include = choose.randint(0, kernel // 2), choose.random() < 0.5, choose.random() < 0.5
        extents = [choose.randint(4, 6) for _ in range(rank)]  # of volumes torch refuses those below the kernel
        pool = getattr(torch.nn, f"AvgPool{rank}d")(kernel, stride, padding, ceil, include)
        x = torch.ones((1, 1, *extents), requires_grad=True)
        y = pool(x)
        reads = 0
        for place in range(y.numel()):
            (gradient,) = torch.autograd.grad(y.flatten()[place], x, retain_graph=True)
            reads += int((gradient != 0).sum())
        arguments = {"kernel": kernel, "stride": stride, "padding": padding, "ceil": ceil, "count_include_pad": include}
        operator, shape = OPERATORS["avgpool"].of(arguments), Shape(1, tuple(extents))
        assert operator.connections(shape, operator.infer(shape)) == reads


@pytest.mark.parametrize(("size", "spacing"), [("kernel", 1), ("kernel", 2), ("kernel", 3), (3, "dilation")])
def test_closed_forms_of_windows_that_variables_give(size: int | str, spacing: int | str) -> None:
    """Kernel, stride, padding and dilation over variables too, `half` among them: against what numbers give."""
    extent, kernel, stride, before, dilation = (
        variable(part) if isinstance(part, str) else part for part in ("extent", size, "stride", "before", spacing)
    )
    reach = dilation * (kernel - 1)
    chosen = random.Random(17)
    for pads in ((before, before), (before, 0), (0, 0), (reach // 2, (reach + 1) // 2), (1, 1)):
        for step, ceil in product((stride, 1, 2, 3), (0, 1)):
            span = extent + pads[0] + pads[1] - reach - 1
            outputs = minimum((span + ceil * (step - 1)) // step + 1, (extent + pads[0] - 1) // step + 1)
            window = (extent, outputs, kernel, step, pads[0], pads[1] + ceil * (step - 1), dilation)
            form = windows_inside(*window)
            compared = 0
            while compared < 30:
                at = {name: chosen.randint(1, 9) for name in ("extent", "kernel", "stride", "before", "dilation")}
                if evaluate(span, at) >= 0:
                    numbers = windows_inside(*(evaluate(number, at) for number in window))
                    assert (evaluate(form.taps, at), evaluate(form.windows, at)) == numbers, (window, at)
                    compared += 1


def test_over_kernel_and_dilation_what_hangs_over_has_no_form() -> None:
    kernel, dilation = variable("kernel", 2), variable("dilation")
    with pytest.raises(RequirementError) as caught:
        windows_inside(8, 8, kernel, 1, kernel // 2, kernel // 2, dilation)
    assert caught.value.code == "hanging-windows"
    assert windows_inside(8, 4, kernel, 2, 0, 0, dilation) == (4 * kernel, 4)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["MaxPool", "AvgPool", "LPPool"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_windows_larger_than_the_input_are_refused_where_torch_refuses_them(name: str, rank: int) -> None:
    torch = pytest.importorskip("torch")
    for extent, padding, ceil in product((1, 2, 3), (0, 1), (False, True)):
        arguments: dict[str, Any] = {"kernel": 3, "stride": 2, "ceil": ceil}
        window: dict[str, Any] = {"stride": 2, "ceil_mode": ceil}
        if name != "LPPool":
            arguments["padding"] = window["padding"] = padding
        elif padding:
            continue
        pool = getattr(torch.nn, f"{name}{rank}d")(*([2.0] if name == "LPPool" else []), 3, **window)
        try:
            theirs = tuple(pool(torch.ones(1, 1, *(extent,) * rank)).shape[2:])
        except RuntimeError:
            theirs = None
        try:
            ours = OPERATORS[name.lower()].of(arguments).infer(Shape(1, (extent,) * rank)).spatial
        except RequirementError:
            ours = None
        assert ours == theirs, (extent, padding, ceil)
