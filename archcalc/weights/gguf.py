"""Headers of GGUF files: names, shapes and types of tensors; no weight is read.

The format (ggml-org/ggml, docs/gguf.md): a magic word, a version, the number of tensors and of metadata, the metadata,
then for each tensor its name, extents (the fastest first), type and offset, then the data, aligned.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from archcalc.results.formats import GGML
from archcalc.results.weights import Tensor, WeightFile
from archcalc.weights.errors import refuse, truncated

MOST_TENSORS = 1_000_000
MOST_METADATA = 100_000
MOST_TEXTS = 4_000_000  # in lists of the metadata: a vocabulary has some 250,000
LONGEST_TEXT = 1 << 24  # bytes
LONGEST_SHOWN = 200  # characters of a text that is kept
DEEPEST = 4  # lists within lists
MOST_EXTENTS = 4  # ggml's GGML_MAX_DIMS
DEFAULT_ALIGNMENT = 32

_SIZES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9


class _Place(NamedTuple):
    tensor: Tensor
    offset: int


class _Reader:
    """Numbers and texts from a file, none beyond its end."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.path, self.file, self.size, self.order, self.texts = path, file, size, "<", 0

    def bytes(self, count: int, what: str) -> bytes:
        if count > self.size - self.file.tell():
            truncated(self.path, self.size, what)
        return self.file.read(count)

    def skip(self, count: int, what: str) -> None:
        if count > self.size - self.file.tell():
            truncated(self.path, self.size, what)
        self.file.seek(count, 1)

    def number(self, code: str, what: str) -> int:
        (found,) = struct.unpack(self.order + code, self.bytes(struct.calcsize(self.order + code), what))
        return int(found) if code not in "fd" else found

    def count(self, limit: int, what: str) -> int:
        found = self.number("Q", f"the number of {what}")
        if found > limit:
            refuse("bad-header", self.path, f"it would have {found:,} {what}, and at most {limit:,} are read")
        return found

    def text(self, what: str) -> str:
        length = self.number("Q", what)
        if length > LONGEST_TEXT:
            refuse(
                "bad-header", self.path, f"{what} would take {length:,} bytes, and at most {LONGEST_TEXT:,} are read"
            )
        return self.bytes(length, what).decode("utf-8", "replace")

    def value(self, kind: int, what: str, depth: int = 0) -> str | int | None:
        """A value of the metadata; of a list only its length is kept."""
        if kind in _SIZES:
            return self.number(_SIZES[kind], what)
        if kind == _TEXT:
            return self.text(what)
        if kind != _LIST:
            refuse("bad-header", self.path, f"{what} has the type {kind}, which the format does not have")
        if depth == DEEPEST:
            refuse("bad-header", self.path, f"{what} is nested too deep")
        inner = self.number("I", what)
        length = self.number("Q", what)
        if inner in _SIZES:
            self.skip(length * struct.calcsize(_SIZES[inner]), what)
            return None
        self.texts += length
        if self.texts > MOST_TEXTS:
            refuse("bad-header", self.path, f"lists with more than {MOST_TEXTS:,} texts are not read")
        read: Callable[[], object] = (
            (lambda: self.skip(self.number("Q", what), what))
            if inner == _TEXT
            else (lambda: self.value(inner, what, depth + 1))
        )
        for _ in range(length):
            read()
        return None


def read_file(path: Path) -> WeightFile:
    """The tensors of one file, in the order of its header.

    Raises:
        SpecError: wrong-magic, truncated-file, bad-header: what is wrong, and where.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _read(_Reader(path, file, size))
    except OSError as error:
        refuse("no-such-file", path, f"the file cannot be read: {(error.strerror or str(error)).lower()}")


def _read(reader: _Reader) -> WeightFile:
    path = reader.path
    if reader.bytes(4, "the magic word GGUF") != b"GGUF":
        refuse("wrong-magic", path, "the file does not begin with GGUF")
    version = reader.number("I", "the version")
    if version & 0xFFFF == 0:  # written on a machine whose largest byte comes first
        reader.order, version = ">", int.from_bytes(version.to_bytes(4, "little"), "big")
    if version not in (2, 3):
        refuse("bad-header", path, f"the file is of version {version}; versions 2 and 3 are read", "convert it anew")
    tensors = reader.count(MOST_TENSORS, "tensors")
    metadata: dict[str, str] = {}
    alignment = DEFAULT_ALIGNMENT
    for _ in range(reader.count(MOST_METADATA, "entries of metadata")):
        key = reader.text("a key of the metadata")
        value = reader.value(reader.number("I", f"the type of `{key[:LONGEST_SHOWN]}`"), f"`{key[:LONGEST_SHOWN]}`")
        if key == "general.alignment" and isinstance(value, int):
            alignment = value
        if value is not None:
            metadata[key[:LONGEST_SHOWN]] = str(value)[:LONGEST_SHOWN]
    if alignment < 1:
        refuse("bad-header", path, f"`general.alignment` is {alignment}; it is 1 or more")
    places = [_place(reader, number) for number in range(tensors)]
    names = {place.tensor.name for place in places}
    if len(names) < len(places):
        refuse("bad-header", path, "two tensors have one name")
    start = -(-reader.file.tell() // alignment) * alignment
    at = 0
    for tensor, offset in sorted(places, key=lambda place: place.offset):
        if offset % alignment:
            refuse("bad-header", path, f"`{tensor.name}` begins at {offset:,}, no multiple of {alignment}")
        if offset < at:
            refuse("bad-header", path, f"`{tensor.name}` overlaps the tensor before it")
        at = offset + tensor.size_bytes
    if places and start + at > reader.size:
        truncated(path, reader.size, f"the data of the tensors, which end at byte {start + at:,}")
    return WeightFile(path.name, "gguf", (path.name,), tuple(place.tensor for place in places), metadata)


def _place(reader: _Reader, number: int) -> _Place:
    name = reader.text(f"the name of tensor {number}")
    what = f"what is said of `{name[:LONGEST_SHOWN]}`"
    axes = reader.number("I", what)
    if axes > MOST_EXTENTS:
        refuse(
            "bad-header", reader.path, f"`{name[:LONGEST_SHOWN]}` has {axes:,} extents; ggml has at most {MOST_EXTENTS}"
        )
    shape = tuple(reader.number("Q", what) for _ in range(axes))[::-1]
    kind = reader.number("I", what)
    offset = reader.number("Q", what)
    if kind not in GGML:
        known = ", ".join(word for word, _ in GGML.values())
        refuse("bad-header", reader.path, f"`{name[:LONGEST_SHOWN]}` has ggml's type {kind}, which is not known", known)
    dtype, block = GGML[kind]
    if shape and shape[-1] % block.elements:
        message = f"a row of `{name[:LONGEST_SHOWN]}` has {shape[-1]:,} elements, and {dtype} packs {block.elements}"
        refuse("bad-header", reader.path, message)
    tensor = Tensor(name, dtype, shape, 0, reader.path.name)
    return _Place(tensor._replace(size_bytes=tensor.elements // block.elements * block.size_bytes), offset)
