"""Headers of safetensors files: names, shapes, types and places of tensors; no weight is read.

The format (huggingface/safetensors, README, "Format"): eight bytes with the length of the header, the header in JSON,
then the data of all tensors, without holes.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

from archcalc.results.formats import SAFETENSORS
from archcalc.results.weights import Tensor, WeightFile
from archcalc.weights.errors import refuse, truncated

MOST_HEADER_BYTES = 1 << 25
"""A header may be this long [bytes]; that of DeepSeek-V3's index, with 91,991 names, takes 9 MB."""

INDEX = ".safetensors.index.json"


def read_file(path: Path) -> WeightFile:
    """The tensors of one file, in the order of its data.

    Raises:
        SpecError: truncated-file, bad-header: what is wrong, and where.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            start = file.read(8)
            if len(start) < 8:
                truncated(path, size, "the length of the header, which takes eight bytes")
            length = int.from_bytes(start, "little")
            if length > MOST_HEADER_BYTES:
                message = f"the header would take {length:,} bytes, and at most {MOST_HEADER_BYTES:,} are read"
                refuse("bad-header", path, message)
            if 8 + length > size:
                truncated(path, size, f"the header, which ends at byte {8 + length:,}")
            header = _json(path, file.read(length))
    except OSError as error:
        refuse("no-such-file", path, f"the file cannot be read: {(error.strerror or str(error)).lower()}")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        refuse("bad-header", path, "`__metadata__` holds texts by name, and here it does not")
    placed = [_tensor(path, name, entry) for name, entry in header.items()]
    placed.sort(key=lambda item: item[0])
    at = 0
    for begin, tensor in placed:
        if begin != at:
            what = "overlaps the tensor before it" if begin < at else f"leaves a hole of {begin - at:,} bytes before it"
            refuse("bad-header", path, f"`{tensor.name}` {what}")
        at = begin + tensor.size_bytes
    if 8 + length + at > size:
        truncated(path, size, f"the data of the tensors, which end at byte {8 + length + at:,}")
    if 8 + length + at < size:
        refuse("bad-header", path, f"{size - 8 - length - at:,} bytes after the last tensor belong to none")
    return WeightFile(path.name, "safetensors", (path.name,), tuple(tensor for _, tensor in placed), metadata)


def read_index(path: Path) -> WeightFile:
    """The tensors of a checkpoint in several files, as `model.safetensors.index.json` lists them.

    Raises:
        SpecError: bad-header, missing-shards, and what is wrong with a file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_HEADER_BYTES + 1)
    except OSError as error:
        refuse("no-such-file", path, f"the file cannot be read: {(error.strerror or str(error)).lower()}")
    if len(data) > MOST_HEADER_BYTES:
        refuse("bad-header", path, f"the index is longer than {MOST_HEADER_BYTES:,} bytes")
    index = _json(path, data)
    places, metadata = index.get("weight_map"), index.get("metadata", {})
    if not isinstance(places, dict) or not places or not all(isinstance(value, str) for value in places.values()):
        refuse("bad-header", path, "`weight_map` gives the file of each tensor, and here it does not")
    files = sorted(set(places.values()))
    if outside := [name for name in files if Path(name).name != name]:
        refuse("bad-header", path, f"`{outside[0]}` is not the name of a file beside the index")
    missing = [name for name in files if not (path.parent / name).is_file()]
    if missing:
        named = ", ".join([*missing[:3], *["..."] * (len(missing) > 3)])
        message = f"{len(missing)} of {len(files)} files are not there: {named}"
        refuse("missing-shards", path, message, "put all files beside the index")
    found = {tensor.name: tensor for name in files for tensor in read_file(path.parent / name).tensors}
    for name, file_name in places.items():
        if name not in found or found[name].file != file_name:
            refuse("bad-header", path, f"`{name}` is not in {file_name}, where the index puts it")
    if unlisted := sorted(found.keys() - places.keys()):
        refuse("bad-header", path, f"`{unlisted[0]}` is in {found[unlisted[0]].file}, and the index does not list it")
    texts = {str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {}
    return WeightFile(path.name, "safetensors", tuple(files), tuple(found.values()), texts)


def _json(path: Path, data: bytes) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise ValueError(f"`{next(name for name in names if names.count(name) > 1)}` stands in it twice")
        return found

    try:
        found = json.loads(data, object_pairs_hook=once)
    except RecursionError:
        refuse("bad-header", path, "the header is nested too deep")
    except ValueError as error:  # UnicodeDecodeError is one
        refuse("bad-header", path, f"the header is not JSON as this format has it: {error}")
    if not isinstance(found, dict):
        refuse("bad-header", path, "the header is no JSON object")
    return found


def _tensor(path: Path, name: str, entry: Any) -> tuple[int, Tensor]:
    """Where a tensor begins in the data, and what it is."""
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        refuse("bad-header", path, f"`{name}` has no dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        refuse("bad-header", path, f"shape and data_offsets of `{name}` are not whole numbers as this format has them")
    if dtype not in SAFETENSORS:
        refuse(
            "bad-header",
            path,
            f"`{name}` has the type `{dtype}`, which is not known",
            f"known: {', '.join(SAFETENSORS)}",
        )
    bits = prod(shape) * SAFETENSORS[dtype]
    size = offsets[1] - offsets[0]
    if bits != 8 * size:
        message = f"`{name}` takes {size:,} bytes, and its shape takes {-(-bits // 8):,} as {dtype}"
        refuse("bad-header", path, message)
    return offsets[0], Tensor(name, dtype, tuple(shape), size, path.name)


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 1 << 63 for item in value)
