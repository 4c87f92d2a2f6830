"""Numbers of a sweep: a polynomial at whole NumPy arrays of sizes, exact at every size."""

# what the methods of an algebra mean is said once, at `dims.Algebra`

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import add, mul
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from archcalc.dims import Dim, bound, fold_all
from archcalc.dims.fold import check_divisor, check_least

Integers: TypeAlias = "npt.NDArray[Any]"  # of int64, or of Python ints where those do not suffice


def fits_int64(x: Dim, ranges: Mapping[str, tuple[int, int]]) -> bool:
    """Whether no number met in computing x leaves 64 bits."""
    return bound(x, ranges) < 2**63


def evaluate_grid(numbers: Sequence[Dim], axes: Mapping[str, Integers], dtype: np.dtype[Any]) -> list[Integers]:
    """Numbers on all combinations of the values of axes; each result broadcasts to the grid.

    The caller has made sure that the dtype suffices; what depends on one axis is computed on that axis.
    """
    shapes = np.eye(len(axes), dtype=int)
    values = {
        name: array.astype(dtype).reshape([array.size if along else 1 for along in row])
        for row, (name, array) in zip(shapes, axes.items(), strict=True)
    }
    algebra = _Arrays(values, dtype)
    return [algebra.array(found) for found in fold_all(numbers, algebra)]


def evaluate_points(
    numbers: Sequence[Dim], axes: Mapping[str, Integers], indices: Mapping[str, Integers], dtype: np.dtype[Any]
) -> list[Integers]:
    """Numbers at points, each given by its index on every axis; each result broadcasts to the number of points.

    What depends on one axis is computed on that axis and looked up, unless the axis is longer than the list.
    """
    points = max((index.size for index in indices.values()), default=1)
    values, places = {}, {}
    for number, (name, array) in enumerate(axes.items(), 1):
        if array.size > points:
            values[name] = array[indices[name]].astype(dtype).reshape([points] + [1] * len(axes))
        else:
            shape = [array.size if along == number else 1 for along in range(len(axes) + 1)]
            values[name] = array.astype(dtype).reshape(shape)
            places[tuple(shape)] = indices[name]
    algebra = _AtPoints(values, dtype, places, (points,) + (1,) * len(axes))
    return [algebra.at_points(found).reshape(-1) for found in fold_all(numbers, algebra)]


Product: TypeAlias = "dict[tuple[int, ...], tuple[Any, ...]]"  # factors by their shapes, not yet multiplied


class _Arrays:
    """Constants stay Python ints, so that they neither widen nor copy an array.

    A product stays a `Product` until it is needed, and `sum` puts common factors outside: what depends on one
    axis is computed on that axis. The bound holds for that order too.
    """

    def __init__(self, values: Mapping[str, Integers], dtype: np.dtype[Any]) -> None:
        self.values, self.dtype = values, dtype

    def array(self, x: Any) -> Integers:
        factors = [factor for of_shape in x.values() for factor in of_shape] if isinstance(x, dict) else [x]
        return np.asarray(self.combined(mul, factors), dtype=self.dtype)

    def combined(self, operator: Callable[[Any, Any], Any], parts: Iterable[Any]) -> Any:
        """What an operator makes of all parts: those of one shape first, the smallest shape first."""
        found: dict[tuple[int, ...], Any] = {}
        for part in parts:
            shape = np.shape(part)
            found[shape] = operator(found[shape], part) if shape in found else part
        return reduce(operator, self.aligned(*sorted(found.values(), key=np.size)))

    def aligned(self, *arrays: Any) -> Sequence[Any]:
        """Arrays that broadcast together."""
        return arrays

    def constant(self, value: int) -> Any:
        return value

    def variable(self, name: str, at_least: int) -> Any:
        check_least(name, int(self.values[name].min()), at_least)
        return self.values[name]

    def multiply(self, a: Any, b: Any) -> Product:
        left, right = _product(a), _product(b)
        return {shape: left.get(shape, ()) + right.get(shape, ()) for shape in left | right}

    def sum(self, terms: list[Any]) -> Any:
        products = [_product(term) for term in terms]
        shapes = sorted({shape for product in products for shape in product if shape})
        if len(shapes) < 2:
            return self.combined(add, map(self.array, products))

        def common(shape: tuple[int, ...]) -> dict[tuple[int, ...], list[Product]]:
            """The products by their factors of this shape; equal factors are the same object."""
            groups: dict[tuple[int, ...], list[Product]] = {}
            for product in products:
                groups.setdefault(tuple(map(id, product.get(shape, ()))), []).append(product)
            return groups

        outside, groups = min(((shape, common(shape)) for shape in shapes), key=lambda found: len(found[1]))
        sums = []
        for group in groups.values():
            inside = self.sum([{s: f for s, f in product.items() if s != outside} or {(): (1,)} for product in group])
            sums.append(self.array({(): (inside,), outside: group[0].get(outside, ())}))
        return self.combined(add, sums)

    def power(self, base: Any, exponent: int) -> Any:
        base = self.array(base)
        return base * base if exponent == 2 else base**exponent

    def floor_divide(self, number: Any, divisor: Any) -> Any:
        if isinstance(divisor, int):
            check_divisor(divisor)
            return self.array(number) // divisor
        divisor = self.array(divisor)
        check_divisor(int(np.min(divisor)))  # NumPy would answer 0
        number, divisor = self.aligned(self.array(number), divisor)
        return number // divisor

    def maximum(self, a: Any, b: Any) -> Any:
        return np.maximum(*self.aligned(self.array(a), self.array(b)))

    def minimum(self, a: Any, b: Any) -> Any:
        return np.minimum(*self.aligned(self.array(a), self.array(b)))

    def select(self, relation: str, left: Any, right: Any, a: Any, b: Any) -> Any:
        left, right, a, b = self.aligned(*map(self.array, (left, right, a, b)))
        return np.where(left < right if relation == "<" else left == right, a, b)


class _AtPoints(_Arrays):
    """Arrays on axes, looked up at the points where two axes meet; the first axis of all arrays is that of points."""

    def __init__(
        self,
        values: Mapping[str, Integers],
        dtype: np.dtype[Any],
        places: Mapping[tuple[int, ...], Integers],
        shape: tuple[int, ...],
    ) -> None:
        super().__init__(values, dtype)
        self.places, self.shape = places, shape

    def aligned(self, *arrays: Any) -> Sequence[Any]:
        if len({np.shape(array) for array in arrays if np.size(array) != 1}) < 2:
            return arrays
        return [self.looked_up(array) for array in arrays]

    def looked_up(self, array: Any) -> Any:
        index = self.places.get(np.shape(array))
        return array if index is None else np.take(array, index).reshape(self.shape)

    def at_points(self, x: Any) -> Integers:
        return np.asarray(self.looked_up(self.array(x)))


def _product(x: Any) -> Product:
    return x if isinstance(x, dict) else {np.shape(x): (x,)}
