"""The network that a checkpoint is of, where a config.json stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archcalc.engine.network import analyze
from archcalc.results.cost import NetworkCost
from archcalc.source import SpecError
from archcalc.spec.library import CONFIG
from archcalc.weights.safetensors import INDEX


def network_beside(path: Path, set: Mapping[str, Any] | None = None) -> tuple[NetworkCost | None, str]:
    """The network of the config.json of a folder, or of the folder that an index is in; and why there is none.

    The reason is empty where there is no config.json.
    """
    folder = path if path.is_dir() else path.parent if path.name.endswith(INDEX) else None
    file = None if folder is None else folder / CONFIG
    if file is None or not file.is_file():
        return None, ""
    try:
        return analyze(str(file), set=set), ""
    except SpecError as error:
        first, *others = error.diagnostics
        more = f", and {len(others)} more" if others else ""
        return None, f"no network for {CONFIG}: {first.message}{more} (archcalc show {file} says all)"
