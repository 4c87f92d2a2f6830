"""An ONNX file without its weights: what is left is small, and the tensors keep their shapes.

A model is a message of Protocol Buffers (onnx/onnx.proto; protobuf.dev, "Encoding"): fields, each a tag and a value,
most of them with a length before them. So data can be stepped over, and a file of gigabytes costs what its graph costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from archcalc.importing.onnx.errors import ABOUT, refuse
from archcalc.importing.onnx.places import MARK
from archcalc.named import NamedTuple

KEPT_BYTES = 1 << 14
"""Data of a tensor that is no longer than this is kept [bytes]: shapes, axes and indices are computed from it."""

MOST_BYTES = 1 << 27
"""What is left without the weights may be this long [bytes]; 100,000 nodes take about 40 MB."""

MOST_FIELDS = 20_000_000
MOST_DEPTH = 60

# Message by message, fields that hold messages, with what they hold. All others are copied as they are.
_HOLDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
# Fields of numbers and of texts for people: data of tensors, and doc_string.
_DATA = {4, 5, 6, 7, 9, 10, 11}
_RAW = 9
_TEXTS = {"model": 6, "graph": 10, "node": 6, "attribute": 13, "function": 8, "tensor": 12}
_SMALL = 512  # a message that is no longer holds nothing worth leaving out [bytes]


class Skimmed(NamedTuple):
    """A model without large data: the message, and how many bytes of it were stepped over."""

    data: bytes
    left_out: int


def skim(path: Path) -> Skimmed:
    """The model in a file, without the data of its large tensors.

    Raises:
        SpecError: no-such-file, wrong-magic, truncated-file, file-too-large.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
            _require_onnx(path, start)
            walk = _Walk(path, _Window(file, path.stat().st_size))
            parts = list(walk.message("model", 0, walk.data.size, 0))
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error)
        refuse("no-such-file", path, f"`{path}` cannot be read: {reason[:1].lower()}{reason[1:]}")
    return Skimmed(b"".join(parts), walk.left_out)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


class _Window:
    """The bytes of a file, of which one stretch is held."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size = file, size
        self.begin, self.held = 0, b""

    def byte(self, at: int) -> int:
        offset = at - self.begin
        if not 0 <= offset < len(self.held):
            self.file.seek(at)
            self.begin, self.held, offset = at, self.file.read(1 << 15), 0
        return self.held[offset]

    def cut(self, begin: int, end: int) -> bytes:
        if self.begin <= begin and end <= self.begin + len(self.held):
            return self.held[begin - self.begin : end - self.begin]
        self.file.seek(begin)
        return self.file.read(end - begin)


class _Walk:
    """One pass over the fields of a file."""

    def __init__(self, path: Path, data: _Window) -> None:
        self.path, self.data = path, data
        self.left_out = self.kept = self.fields = 0

    def message(self, kind: str, at: int, end: int, depth: int) -> Iterator[bytes]:
        """The parts of a message that are kept."""
        if depth > MOST_DEPTH:
            refuse("wrong-magic", self.path, f"graphs nest deeper than {MOST_DEPTH} in each other at byte {at:,}")
        holds, text = _HOLDS[kind], _TEXTS.get(kind)
        copied = at  # what stands before has been given
        while at < end:
            begin = at
            tag, at = self.number(at, end)
            field, wire = tag >> 3, tag & 7
            self.fields += 1
            if field == 0 or self.fields > MOST_FIELDS:
                self.not_onnx(begin)
            if wire != 2:
                at = self.after_scalar(wire, at, begin, end)
                continue
            length, at = self.number(at, end)
            stop = at + length
            if stop > end:
                self.truncated(begin, stop, kind, field)
            inner = holds.get(field)
            if inner is not None and length > _SMALL:
                yield self.keep(copied, begin)
                inside = b"".join(self.message(inner, at, stop, depth + 1))
                yield _varint(tag) + _varint(len(inside)) + inside
                copied = stop
            elif (kind == "tensor" and field in _DATA and length > KEPT_BYTES) or (field == text and length > _SMALL):
                yield self.keep(copied, begin)
                if field == _RAW and kind == "tensor":
                    said = f"{MARK}{at},{length}".encode()
                    yield bytes([_TEXTS["tensor"] << 3 | 2, len(said)]) + said
                self.left_out += length
                copied = stop
            at = stop
        yield self.keep(copied, end)

    def keep(self, begin: int, end: int) -> bytes:
        self.kept += end - begin
        if self.kept > MOST_BYTES:
            message = f"without its weights the model is still longer than {MOST_BYTES:,} bytes"
            refuse("file-too-large", self.path, message, "export one network at a time")
        return self.data.cut(begin, end)

    def number(self, at: int, end: int) -> tuple[int, int]:
        """A number of variable length, and where it ends."""
        value = shift = 0
        begin = at
        while at < end:
            byte = self.data.byte(at)
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
            shift += 7
            if shift > 63:
                self.not_onnx(begin)
        self.truncated(begin, end + 1, "", 0)

    def after_scalar(self, wire: int, at: int, begin: int, end: int) -> int:
        if wire == 0:
            _, at = self.number(at, end)
            return at
        if wire not in (1, 5):
            self.not_onnx(begin)
        at += 8 if wire == 1 else 4
        if at > end:
            self.truncated(begin, at, "", 0)
        return at

    def not_onnx(self, at: int) -> NoReturn:
        refuse("wrong-magic", self.path, f"this is no ONNX model: at byte {at:,} stands what no model holds")

    def truncated(self, begin: int, stop: int, kind: str, field: int) -> NoReturn:
        size = self.data.size
        if stop <= size:  # too long only for the message that it stands in
            self.not_onnx(begin)
        what = "data of a tensor" if kind == "tensor" and field in _DATA else "a part"
        refuse(
            "truncated-file",
            self.path,
            f"the file ends at byte {size:,}, within {what} that begins at byte {begin:,} and would end at {stop:,}",
            "fetch the file again",
        )


_MAGIC = (
    (b"PK\x03\x04", 0, "a zip archive, as torch.save and numpy.savez write it", "export the model to ONNX"),
    (b"\x89HDF\r\n", 0, "an HDF5 file, as Keras writes it", "give the model as a module: `my_file.py:model`"),
    (b"\x80\x02", 0, "a pickle", "export the model with torch.onnx.export"),
    (b"\x80\x04", 0, "a pickle", "export the model with torch.onnx.export"),
    (b"GGUF", 0, "a GGUF file, which holds weights and no graph", "`archcalc weights` reads it"),
    (b"TFL3", 4, "a TFLite model", ABOUT),
    (b"ORTM", 4, "a model in onnxruntime's own format (.ort)", "give the ONNX model that it was made of"),
    (b"version https://git-lfs", 0, "a pointer of Git LFS, not the file itself", "`git lfs pull` fetches it"),
    (b"\x1f\x8b", 0, "a gzip archive", "unpack it first"),
    (b"\x89PNG", 0, "a PNG image", ABOUT),
    (b"<", 0, "a text in HTML or XML", "fetch the file itself, not the page about it"),
)  # fmt: skip


def _require_onnx(path: Path, start: bytes) -> None:
    """Refuse what is known to be something else, and say what."""
    if not start:
        refuse("wrong-magic", path, "the file is empty", "fetch the file again")
    for magic, offset, what, help in _MAGIC:
        if start[offset : offset + len(magic)] == magic:
            refuse("wrong-magic", path, f"this is {what}", help)
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 1 << 27:
        refuse("wrong-magic", path, "this is a safetensors file, which holds weights and no graph", ABOUT)
    if start[0] >> 3 not in (1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26) or start[0] & 7 not in (0, 2):
        looks = "a text" if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start) else "something else"
        refuse("wrong-magic", path, f"this is no ONNX model; it looks like {looks}")
    if len(start) > 8 and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start):
        refuse("wrong-magic", path, "this is a text, and no ONNX model")
