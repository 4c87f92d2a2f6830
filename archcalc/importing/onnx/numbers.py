"""Numbers of small constants, decoded when they are asked for: plain networks need neither NumPy nor all of `onnx`."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

# TensorProto.DataType: how raw data is packed, and the field that holds it otherwise.
_PACKED = {1: ("f", "float_data"), 6: ("i", "int32_data"), 7: ("q", "int64_data"), 9: ("?", "int32_data"),
           11: ("d", "double_data")}  # fmt: skip


class Numbers:
    """The numbers of a constant, in a shape."""

    __slots__ = ("_array", "_flat", "_make", "shape", "size")

    def __init__(
        self, shape: tuple[int, ...], flat: Callable[[], list[Any]] | None, make: Callable[[], Any] | None = None
    ) -> None:
        self.shape, self.size = shape, 1
        for extent in shape:
            self.size *= extent
        self._flat, self._make, self._array = flat, make, None

    @classmethod
    def of_array(cls, array: Any) -> Numbers:
        """Those of an array."""
        found = cls(tuple(array.shape), None)
        found._array = array
        return found

    @classmethod
    def of_tensor(cls, tensor: Any) -> Numbers | None:
        """Those of a `TensorProto`; None where they were left out or stand in another file."""
        if tensor.data_location == tensor.EXTERNAL:
            return None
        shape = tuple(tensor.dims)
        found = cls(shape, None, lambda: _decoded(tensor))
        code, field = _PACKED.get(tensor.data_type, ("", ""))
        raw = tensor.raw_data
        if code:
            typed = getattr(tensor, field)
            held = len(raw) == found.size * struct.calcsize(f"<{code}") if raw else len(typed) == found.size
            found._flat = lambda: list(struct.unpack(f"<{found.size}{code}", raw) if raw else typed)
            return found if held else None
        others = (tensor.int32_data, tensor.int64_data, tensor.uint64_data, tensor.float_data, tensor.string_data)
        return found if raw or any(others) or not found.size else None

    @property
    def array(self) -> Any:
        """As a NumPy array."""
        if self._array is None:
            assert self._make is not None
            self._array = self._make()
        return self._array

    def flat(self) -> list[Any]:
        """One after the other, the last axis running first."""
        if self._flat is not None:
            return self._flat()
        numbers: list[Any] = self.array.reshape(-1).tolist()
        return numbers

    def reshaped(self, shape: tuple[int, ...]) -> Numbers:
        """In another shape."""
        return Numbers(shape, self.flat, lambda: self.array.reshape(shape))

    def changed(self, shape: tuple[int, ...], how: Callable[[Any], Any]) -> Numbers:
        """What a function makes of the array."""
        return Numbers(shape, None, lambda: how(self.array))


def _decoded(tensor: Any) -> Any:
    from onnx import numpy_helper

    return numpy_helper.to_array(tensor)


def of_list(values: list[int], shape: tuple[int, ...]) -> Numbers:
    """Whole numbers as a constant of 64 bits."""

    def make() -> Any:
        import numpy

        return numpy.asarray(values, "i8").reshape(shape)

    return Numbers(shape, lambda: values, make)
