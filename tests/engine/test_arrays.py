from __future__ import annotations

from typing import Any

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
from archcalc.engine.arrays import evaluate_arrays, fits_int64

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


@pytest.mark.parametrize("name", EXAMPLES)
@settings(derandomize=True, deadline=None, max_examples=40)
@given(rs=positive, ws=positive, zs=st.lists(st.integers(0, 50), min_size=4, max_size=4))
def test_arrays_equal_ints(name: str, rs: list[int], ws: list[int], zs: list[int]) -> None:
    x = EXAMPLES[name]
    lists = {"r": rs, "w": ws, "z": zs, "v0": ws, "v1": rs, "v2": rs}
    found = evaluate_arrays(x, {key: np.array(value) for key, value in lists.items()})
    expected = [evaluate(x, {key: value[i] for key, value in lists.items()}) for i in range(4)]
    assert found.dtype == np.int64
    assert np.broadcast_to(found, 4).tolist() == expected
    # the same in Python ints: far values push the bound over 2**63
    huge = evaluate_arrays(x * (z + 2**70), {key: np.array(value) for key, value in lists.items()})
    assert np.broadcast_to(huge, 4).tolist() == [e * (b + 2**70) for e, b in zip(expected, zs, strict=True)]


def test_an_overflow_is_exact_instead() -> None:
    found = evaluate_arrays(r**8, {"r": np.array([2, 300])})
    assert found.dtype == object
    assert found.tolist() == [2**8, 300**8]
    assert evaluate_arrays(r**8, {"r": np.array([2, 200])}).dtype == np.int64


def test_an_intermediate_that_overflows_inside_an_atom_counts() -> None:
    found = evaluate_arrays((r**8 + 1) // 10**10, {"r": np.array([300])})
    assert found.tolist() == [(300**8 + 1) // 10**10]


def test_scalars_mixed_into_python_ints_stay_exact() -> None:
    x = maximum(r - w, 3) * 2**62 + select(less(r, w), 2**62, 1) * minimum(r, w) * 8
    found = evaluate_arrays(x, {"r": 9, "w": 20})
    assert found.shape == ()
    assert found.item() == 3 * 2**62 + 2**62 * 9 * 8


@pytest.mark.parametrize(("high", "fits"), [(2**31, True), (3 * 2**30 + 2**28, False)])
def test_fits_int64(high: int, fits: bool) -> None:
    assert fits_int64(r**2, {"r": (1, high)}) is fits


def test_the_bound_is_exact_at_its_edge() -> None:
    assert fits_int64(r - 1 + 1, {"r": (1, 2**63 - 1)})
    assert not fits_int64(r, {"r": (1, 2**63)})
    assert evaluate_arrays(r, {"r": 2**63 - 1}).dtype == np.int64
    assert evaluate_arrays(r, {"r": 2**80}).item() == 2**80


def test_open_grids_broadcast() -> None:
    rs, ws = np.arange(1, 9)[:, None], np.arange(1, 5)[None, :]
    found = evaluate_arrays(half * w + w + r, {"r": rs, "w": ws})
    assert found.shape == (8, 4)
    assert found.tolist() == [[(i + 1) // 2 * j + j + i for j in range(1, 5)] for i in range(1, 9)]
    assert evaluate_arrays(half, {"r": rs, "w": ws}).shape == (8, 1)


@pytest.mark.parametrize("name", EXAMPLES)
def test_grids_of_three_axes_equal_ints(name: str) -> None:
    axes = {"r": [1, 2, 7, 30], "w": [1, 5, 6], "z": [0, 1, 9]}
    lists = {**axes, "v0": axes["w"], "v1": axes["r"], "v2": axes["r"]}
    along = {"r": (4, 1, 1), "w": (3, 1), "z": (3,), "v0": (3, 1), "v1": (4, 1, 1), "v2": (4, 1, 1)}
    x = EXAMPLES[name] * r + EXAMPLES[name] * w - r * w * z + r * z
    found = evaluate_arrays(x, {key: np.array(value).reshape(along[key]) for key, value in lists.items()})
    for i, j, k in np.ndindex(4, 3, 3):
        point = {"r": axes["r"][i], "w": axes["w"][j], "z": axes["z"][k]}
        point |= {"v0": point["w"], "v1": point["r"], "v2": point["r"]}
        assert found[i, j, k] == evaluate(x, point)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, object])
def test_narrow_integers_are_widened_first(dtype: Any) -> None:
    assert evaluate_arrays(r**3, {"r": np.array([100], dtype=dtype)}).tolist() == [10**6]


def test_no_values_give_no_values() -> None:
    assert evaluate_arrays(r * w, {"r": np.empty((0, 1), int), "w": np.ones(3, int)}).shape == (0, 3)


@pytest.mark.parametrize("values", [np.array([1.0]), np.array([True]), np.array(["1"]), 2.5, np.array([1.5], object)])
def test_what_is_no_integer_is_refused(values: Any) -> None:
    with pytest.raises(TypeError, match="r takes integers"):
        evaluate_arrays(r + 1, {"r": values})


def test_values_are_checked() -> None:
    with pytest.raises(KeyError, match="w"):
        evaluate_arrays(r * w, {"r": np.array([1])})
    with pytest.raises(ValueError, match="r is at least 1, not 0"):
        evaluate_arrays(r, {"r": np.array([3, 0])})


@pytest.mark.parametrize(("least", "error"), [(3, ZeroDivisionError), (2, ValueError)])
def test_a_divisor_of_zero_is_never_an_answer(least: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="divided by 1 or more"):
        evaluate_arrays(r // (w - 3), {"r": np.array([9, 9]), "w": np.array([least, 8])})


def test_inputs_are_left_alone() -> None:
    values = np.array([1, 2, 3])
    found = evaluate_arrays(r, {"r": values})
    found += 1
    assert values.tolist() == [1, 2, 3]
