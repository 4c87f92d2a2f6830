"""A path to the tensors that it holds: one file, an index of several, or a folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from archcalc.results.weights import Tensor, WeightFile
from archcalc.weights import gguf, safetensors
from archcalc.weights.errors import ABOUT, refuse

_PICKLES = {".bin", ".pt", ".pth", ".ckpt"}


def read_weights(path: str | os.PathLike[str]) -> WeightFile:
    """The tensors of a checkpoint, from headers alone.

    Args:
        path: a .safetensors, .safetensors.index.json or .gguf file, or a folder with them; of an index that stands
            beside its files the index is taken.

    Raises:
        SpecError: no-such-file, wrong-magic, truncated-file, bad-header, missing-shards.
    """
    place = Path(path)
    try:
        mode = place.stat().st_mode
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error)
        refuse("no-such-file", place, f"`{place}` cannot be read: {reason[:1].lower()}{reason[1:]}")
    if stat.S_ISDIR(mode):
        return _folder(place)
    if not stat.S_ISREG(mode):
        refuse("no-such-file", place, f"`{place}` is no ordinary file")
    if place.name.endswith(safetensors.INDEX):
        return safetensors.read_index(place)
    if place.suffix == ".safetensors":
        return safetensors.read_file(place)
    if place.suffix == ".gguf":
        return gguf.read_file(place)
    help = (
        "save it as safetensors: a pickle is a program, and reading it would run it"
        if place.suffix in _PICKLES
        else ABOUT
    )
    refuse("wrong-magic", place, f"`{place.name}` is no weight file that is read", help)


def _folder(place: Path) -> WeightFile:
    names = sorted(entry.name for entry in place.iterdir())
    indices = [name for name in names if name.endswith(safetensors.INDEX)]
    if len(indices) == 1:
        return safetensors.read_index(place / indices[0])
    files = [name for name in names if name.endswith((".safetensors", ".gguf"))]
    if len(indices) > 1 or len({Path(name).suffix for name in files}) > 1 or (len(files) > 1 and indices):
        refuse(
            "several-checkpoints",
            place,
            f"the folder holds several: {', '.join([*indices, *files][:4])}",
            "name one file",
        )
    if not files:
        refuse("no-such-file", place, "the folder holds no .safetensors and no .gguf")
    reader = gguf.read_file if files[0].endswith(".gguf") else safetensors.read_file
    parts = [reader(place / name) for name in files]
    tensors = [tensor for part in parts for tensor in part.tensors]
    seen: dict[str, Tensor] = {}
    for tensor in tensors:
        if tensor.name in seen:
            first = seen[tensor.name].file
            message = f"`{tensor.name}` is in {first} and in {tensor.file}: these are two checkpoints"
            refuse("several-checkpoints", place, message, "name one file")
        seen[tensor.name] = tensor
    metadata = {key: value for part in parts for key, value in part.metadata.items()}
    return WeightFile(place.name, parts[0].format, tuple(files), tuple(tensors), metadata)
