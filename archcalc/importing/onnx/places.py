"""Numbers of large tensors, looked at where a question needs them: whether one is a mask, whether two are the same.

`skim` steps over the data and leaves its place; a mask is told from a trained bias by its numbers alone, and a table of
an embedding that an exporter wrote a second time, transposed, by a few of them. Data in other files is not looked at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archcalc.importing.onnx.numbers import Numbers
from archcalc.named import NamedTuple

_DTYPES = {1: "<f4", 10: "<f2", 11: "<f8"}
MOST_BYTES = 1 << 24
SAMPLES = 97


class Place(NamedTuple):
    """Where the data of a tensor begins, how long it is [bytes], and its type and shape."""

    begin: int
    length: int
    data_type: int
    shape: tuple[int, ...]


class Places:
    """Tensors of a file by name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, Place] = {}
        self._known: dict[str, Numbers] = {}

    def note(self, name: str, tensor: Any, known: Numbers | None) -> None:
        """Remember a tensor: its numbers where they are few, else where they stand."""
        if known is not None:
            self._known[name] = known
        elif tensor.doc_string.startswith(MARK):
            begin, length = map(int, tensor.doc_string[len(MARK) :].split(","))
            self._places[name] = Place(begin, length, tensor.data_type, tuple(tensor.dims))

    def is_mask(self, name: str) -> bool | None:
        """Whether all numbers are zeros, or zeros and one number below them; None where they are not in the file."""
        import numpy

        held = self._known.get(name)
        numbers = None if held is None else held.array
        if numbers is None:
            place = self._places.get(name)
            if place is None:
                return None
            if place.data_type not in _DTYPES or place.length > MOST_BYTES:
                return False
            with self._path.open("rb") as file:
                file.seek(place.begin)
                numbers = numpy.frombuffer(file.read(place.length), _DTYPES[place.data_type])
        lowest = numbers.min(initial=0)
        return numbers.dtype.kind == "f" and bool(((numbers == 0) | ((numbers == lowest) & (lowest < -1))).all())

    def are_transposed(self, first: str, second: str) -> bool:
        """Whether a matrix is another one the other way round, by a sample of its numbers that are not all alike."""
        one, other = self._places.get(first), self._places.get(second)
        if one is None or other is None or one.shape != other.shape[::-1] or one.data_type != other.data_type:
            return False
        if len(one.shape) != 2 or one.data_type not in _DTYPES:
            return False
        rows, columns = one.shape
        seen = set()
        with self._path.open("rb") as file:
            for number in range(SAMPLES):
                row, column = number * (rows - 1) // (SAMPLES - 1), number * 31 % columns
                here = self._bytes(file, one, row * columns + column)
                if here != self._bytes(file, other, column * rows + row):
                    return False
                seen.add(here)
        return len(seen) > SAMPLES // 2

    def _bytes(self, file: Any, place: Place, element: int) -> bytes:
        size = place.length // max(place.shape[0] * place.shape[1], 1)
        file.seek(place.begin + element * size)
        found: bytes = file.read(size)
        return found


MARK = "archcalc: data at "
"""What `skim` writes into a tensor in place of its data, before the place: `begin,length`."""
