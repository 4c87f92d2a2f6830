"""Weight files written by hand, byte by byte, as the formats say: good ones, to be spoilt by the tests."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Entry = tuple[str, Sequence[int], int]  # dtype, shape, bytes


def safetensors_bytes(tensors: Mapping[str, Entry], metadata: Mapping[str, str] | None = None) -> bytes:
    """A file whose data are zeros."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    at = 0
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    return with_header(json.dumps(header).encode(), at)


def with_header(header: bytes, data: int) -> bytes:
    """A file with this header, whatever it says, and so many bytes of zeros."""
    return struct.pack("<Q", len(header)) + header + bytes(data)


def sharded(folder: Path, shards: Mapping[str, Mapping[str, Entry]], **changes: str) -> Path:
    """Files and their index; `changes` puts tensors elsewhere in the index."""
    places: dict[str, str] = {}
    for file, tensors in shards.items():
        (folder / file).write_bytes(safetensors_bytes(tensors))
        places |= dict.fromkeys(tensors, file)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": places | changes}), encoding="utf-8")
    return index


def text(value: str, order: str = "<") -> bytes:
    """A text as GGUF has it."""
    return struct.pack(order + "Q", len(value.encode())) + value.encode()


def gguf_bytes(
    tensors: Sequence[tuple[str, Sequence[int], int, int]],
    metadata: bytes = b"",
    entries: int = 0,
    order: str = "<",
    version: int = 3,
    data: int = 4096,
) -> bytes:
    """A file with tensors (name, extents, the fastest first, ggml's type, offset) and zeros as data."""
    head = b"GGUF" + struct.pack(order + "IQQ", version, len(tensors), entries) + metadata
    for name, extents, kind, offset in tensors:
        head += text(name, order) + struct.pack(order + "I", len(extents))
        head += struct.pack(order + f"{len(extents)}Q", *extents) + struct.pack(order + "IQ", kind, offset)
    return head + bytes(-len(head) % 32) + bytes(data)
