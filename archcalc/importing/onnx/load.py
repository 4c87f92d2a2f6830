"""A file as a model of the `onnx` package, without its weights, and what of its form can be refused at once."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcalc.importing.onnx.errors import refuse
from archcalc.importing.onnx.skim import skim
from archcalc.source.extra import require

if TYPE_CHECKING:
    import os

OLDEST_OPSET = 5
"""Opsets 5 to 10 differ from later ones in where arguments stand, and before 7 in how operators broadcast."""

MOST_NODES = 100_000


def load(path: str | os.PathLike[str]) -> Any:
    """The `ModelProto` of a file; tensors of more than 16 KiB have a shape and no data.

    External data stays where it is.

    Raises:
        SpecError: no-such-file, wrong-magic, truncated-file, file-too-large, unsupported-opset.
        MissingExtraError: the `onnx` package is not installed.
    """
    place = Path(path)
    require("onnx", extra="onnx")
    skimmed = skim(place)
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # of the onnx package

    try:
        model = _messages().ModelProto.FromString(skimmed.data)
    except DecodeError:
        refuse("wrong-magic", place, "this is no ONNX model: its fields are not those of one")
    if not model.graph.node and not model.graph.output:
        refuse("wrong-magic", place, "this is no ONNX model: it holds no graph")
    if len(model.graph.node) > MOST_NODES:
        refuse(
            "file-too-large",
            place,
            f"the graph has {len(model.graph.node):,} nodes, and at most {MOST_NODES:,} are read",
        )
    opset = opset_of(model)
    if opset < OLDEST_OPSET:
        refuse(
            "unsupported-opset",
            place,
            f"the model is written for opset {opset}, and those from {OLDEST_OPSET} on are read",
            "onnx.version_converter.convert_version(model, 13) makes a newer one of it",
        )
    return model


def _messages() -> Any:
    """The package's messages, without the rest of it, which takes longer to import than most files to read."""
    name = "onnx.onnx_ml_pb2"
    if "onnx" in sys.modules or name in sys.modules:
        return importlib.import_module(name)
    package = importlib.util.find_spec("onnx")
    folders = (package.submodule_search_locations or []) if package is not None else []
    place = next((found for folder in folders if (found := Path(folder) / "onnx_ml_pb2.py").is_file()), None)
    spec = None if place is None else importlib.util.spec_from_file_location(name, place)
    if spec is None or spec.loader is None:
        return importlib.import_module(name)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def opset_of(model: Any) -> int:
    """The version of ONNX's own operators that a model is written for."""
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    return int(versions[0]) if versions else OLDEST_OPSET
