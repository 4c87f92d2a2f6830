"""What stands behind a name in an ONNX graph: a tensor that is computed, stored, or known by its numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal

from archcalc.importing.onnx.numbers import Numbers, of_list
from archcalc.named import NamedTuple

Kind = Literal["float", "int", "bool"]

# TensorProto.DataType: whole numbers, and what is computed with as real numbers.
_INTEGERS = {2, 3, 4, 5, 6, 7, 12, 13, 21, 22}
_BOOL = 9


def kind_of(data_type: int) -> Kind:
    """What an element type of ONNX is to a network."""
    return "bool" if data_type == _BOOL else "int" if data_type in _INTEGERS else "float"


class Stored(NamedTuple):
    """The tensors of the file that a value is, moved and renamed at most.

    `names` are theirs; `part` says which part of one it is (`[0:768]`), empty where it is all of it. `is_quantised`
    where the file holds whole numbers for it.
    """

    names: tuple[str, ...]
    part: str = ""
    is_quantised: bool = False

    @property
    def name(self) -> str:
        """One name for all of it; equal names are equal values."""
        return " + ".join(self.names) + self.part


@dataclass(slots=True, eq=False, repr=False)
class Value:
    """A tensor of the graph, with the batch of 1.

    `index` is its place in the program, or -1 where the program does not hold it yet. `stored` where it comes from
    the file, `known` holds its numbers where they are few, `is_constant` where it depends on no input and on nothing
    that is trained. `items` makes it a sequence of tensors. `is_open` where its extents depend on numbers that only a
    run tells; then `shape` has 1 for them. `is_state` where it is only what recurrent layers keep,
    `is_scale` where it is what whole numbers are multiplied by to be real ones.
    """

    shape: tuple[int, ...]
    kind: Kind = "float"
    index: int = -1
    stored: Stored | None = None
    known: Numbers | None = None
    is_constant: bool = False
    items: tuple[Value, ...] | None = None
    is_open: bool = False
    is_state: bool = False
    is_scale: bool = False

    @property
    def elements(self) -> int:
        """Scalars in it."""
        return prod(self.shape)

    @property
    def scalar(self) -> float | int | None:
        """The one number of a constant that has but one."""
        if self.known is None or self.known.size != 1:
            return None
        number: float | int = self.known.flat()[0]
        return number

    def moved(self, shape: tuple[int, ...], known: Numbers | None = None, part: str = "") -> Value:
        """The same stored elements, or a part of them, in another shape."""
        stored = self.stored
        if stored is not None and part:
            stored = stored._replace(part=stored.part + part)
        return replace(self, shape=shape, known=known, stored=stored, index=-1)

    def numbers(self) -> list[int]:
        """Whole numbers of a known vector."""
        return [] if self.known is None else [int(number) for number in self.known.flat()]


def is_anonymous(name: str) -> bool:
    """Whether an exporter made a name up: `onnx::Conv_193`, `/norm/Constant_output_0`, `val_12`, `42`."""
    return re.match(r"/|onnx::|_|val_\d|\d|constant", name, re.IGNORECASE) is not None


def of_array(array: Any) -> Value:
    """A constant, by its numbers."""
    kind: Kind = "bool" if array.dtype.kind == "b" else "int" if array.dtype.kind in "iu" else "float"
    return Value(tuple(array.shape), kind, known=Numbers.of_array(array), is_constant=True)


def of_numbers(values: list[int], shape: tuple[int, ...]) -> Value:
    """A constant of whole numbers."""
    return Value(shape, "int", known=of_list(values, shape), is_constant=True)


def broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of what two tensors give together, as in NumPy; None where they do not fit."""
    rank = max(len(a), len(b))
    found = []
    for first, second in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True):
        if first != second and 1 not in (first, second):
            return None
        found.append(second if first == 1 else first)
    return tuple(found)
