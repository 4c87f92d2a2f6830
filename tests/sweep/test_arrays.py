"""Numbers at arrays of sizes, on grids and at points: those of the integer engine, past 64 bits too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.dims import (
    Dim,
    adaptive_windows,
    equal,
    evaluate,
    less,
    make_divisible,
    maximum,
    minimum,
    select,
    total,
    variable,
)
from archcalc.engine.sweep.arrays import Integers, evaluate_grid, evaluate_points, fits_int64

r, w, z = variable("r"), variable("w"), variable("z", at_least=0)
half = (r + 1) // 2

EXAMPLES: dict[str, Dim] = {
    "constant": 7,
    "variable": r,
    "polynomial": 3 * r**2 * w - 5 * z + 2,
    "resnet": 9408 * half**2 + 245760 * ((r + 3) // 4) ** 2 + 2048000,
    "floors": (r * w + 5) // 7 * (z // 3) - (2 * r - 5 * w) // 4,
    "open divisor": (r * r + 3) // (r + w) + (5 * z + 1) // w,
    "extremes": maximum(r - w, 3) * minimum(z, w) - maximum(minimum(r, z), 2 * w - z),
    "choices": select(less(r, w), r * z, w + 1) - select(equal(r, w), 100, z),
    "constant choice": select(less(r, w), 1, 2),
    "width": make_divisible(3 * r // 4, 8) * w,
    "adaptive": adaptive_windows(r, 6),
    "named": total(variable(f"v{i}") for i in range(3)) * r,
    "power": (r - w) ** 5 + z**3,
}
positive = st.lists(st.integers(1, 500), min_size=4, max_size=4)


def width_of(x: Dim, axes: Mapping[str, Integers]) -> np.dtype[np.generic]:
    """What suffices for a number, as a sweep chooses it."""
    ranges = {name: (int(values.min()), int(values.max())) for name, values in axes.items()}
    return np.dtype(np.int64 if fits_int64(x, ranges) else object)


def on_grid(x: Dim, lists: Mapping[str, Sequence[int]]) -> Integers:
    """At all combinations of the values."""
    axes = {name: np.array(values) for name, values in lists.items()}
    (found,) = evaluate_grid([x], axes, width_of(x, axes))
    return np.broadcast_to(found, [len(values) for values in lists.values()])


def at_points(x: Dim, lists: Mapping[str, Sequence[int]], indices: Mapping[str, Sequence[int]]) -> Integers:
    """At points, each given by its index on every axis."""
    axes = {name: np.array(values) for name, values in lists.items()}
    places = {name: np.array(of) for name, of in indices.items()}
    (found,) = evaluate_points([x], axes, places, width_of(x, axes))
    return np.broadcast_to(found, len(next(iter(places.values()))))


def in_step(x: Dim, lists: Mapping[str, Sequence[int]]) -> Integers:
    """At the first value of each list, at the second of each, and so on."""
    return at_points(x, lists, {name: range(len(values)) for name, values in lists.items()})


@pytest.mark.parametrize("name", EXAMPLES)
@settings(derandomize=True, deadline=None, max_examples=40)
@given(rs=positive, ws=positive, zs=st.lists(st.integers(0, 50), min_size=4, max_size=4))
def test_arrays_equal_ints(name: str, rs: list[int], ws: list[int], zs: list[int]) -> None:
    x = EXAMPLES[name]
    lists = {"r": rs, "w": ws, "z": zs, "v0": ws, "v1": rs, "v2": rs}
    found = in_step(x, lists)
    expected = [evaluate(x, {key: value[i] for key, value in lists.items()}) for i in range(4)]
    assert found.dtype == np.int64
    assert found.tolist() == expected
    # the same in Python ints: far values push the bound over 2**63
    huge = in_step(x * (z + 2**70), lists)
    assert huge.tolist() == [e * (b + 2**70) for e, b in zip(expected, zs, strict=True)]


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("is_long", [False, True])
def test_grids_and_points_of_three_axes_equal_ints(name: str, is_long: bool) -> None:
    """More points than an axis has values, and fewer."""
    axes = {"r": [1, 2, 7, 30], "w": [1, 5, 6], "z": [0, 1, 9]}
    lists = {**axes, "v0": [1, 5], "v1": [3], "v2": [2, 9]}
    x = EXAMPLES[name] * r + EXAMPLES[name] * w - r * w * z + r * z
    places = list(product(*(range(len(values)) for values in lists.values())))
    points = [
        dict(zip(lists, (of[at] for of, at in zip(lists.values(), place, strict=True)), strict=True))
        for place in places
    ]
    expected = [evaluate(x, point) for point in points]
    assert len(expected) == prod(map(len, lists.values())) == 144
    assert on_grid(x, lists).reshape(-1).tolist() == expected
    taken = slice(None) if is_long else slice(70, 72)
    indices = dict(zip(lists, zip(*places[taken], strict=True), strict=True))
    assert at_points(x, lists, indices).tolist() == expected[taken]


def test_an_overflow_is_exact_instead() -> None:
    found = on_grid(r**8, {"r": [2, 300]})
    assert found.dtype == object
    assert found.tolist() == [2**8, 300**8]
    assert on_grid(r**8, {"r": [2, 200]}).dtype == np.int64


def test_an_intermediate_that_overflows_inside_an_atom_counts() -> None:
    assert on_grid((r**8 + 1) // 10**10, {"r": [300]}).tolist() == [(300**8 + 1) // 10**10]


def test_numbers_mixed_into_python_ints_stay_exact() -> None:
    x = maximum(r - w, 3) * 2**62 + select(less(r, w), 2**62, 1) * minimum(r, w) * 8
    assert on_grid(x, {"r": [9], "w": [20]}).item() == 3 * 2**62 + 2**62 * 9 * 8


@pytest.mark.parametrize(("high", "fits"), [(2**31, True), (3 * 2**30 + 2**28, False)])
def test_fits_int64(high: int, fits: bool) -> None:
    assert fits_int64(r**2, {"r": (1, high)}) is fits


def test_the_bound_is_exact_at_its_edge() -> None:
    assert fits_int64(r - 1 + 1, {"r": (1, 2**63 - 1)})
    assert not fits_int64(r, {"r": (1, 2**63)})
    assert on_grid(r, {"r": [2**63 - 1]}).dtype == np.int64
    assert on_grid(r, {"r": [2**80]}).item() == 2**80


def test_what_depends_on_one_axis_is_computed_on_that_axis() -> None:
    axes = {"r": np.arange(1, 9), "w": np.arange(1, 5)}
    both, one = evaluate_grid([half * w + w + r, half], axes, np.dtype(np.int64))
    assert both.tolist() == [[(i + 1) // 2 * j + j + i for j in range(1, 5)] for i in range(1, 9)]
    assert one.shape == (8, 1)


def test_values_are_checked() -> None:
    with pytest.raises(KeyError, match="w"):
        on_grid(r * w, {"r": [1]})
    int64 = np.dtype(np.int64)  # the bound would refuse it before
    with pytest.raises(ValueError, match="r is at least 1, not 0"):
        evaluate_grid([r], {"r": np.array([3, 0])}, int64)


@pytest.mark.parametrize(("least", "error"), [(3, ZeroDivisionError), (2, ValueError)])
def test_a_divisor_of_zero_is_never_an_answer(least: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="divided by 1 or more"):
        in_step(r // (w - 3), {"r": [9, 9], "w": [least, 8]})


def test_axes_are_left_alone() -> None:
    values = np.array([1, 2, 3])
    (found,) = evaluate_grid([r], {"r": values}, np.dtype(np.int64))
    found += 1
    assert values.tolist() == [1, 2, 3]
