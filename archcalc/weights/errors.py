"""What is wrong with a weight file, as diagnostics that name the file and the byte."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from archcalc.source import Diagnostic, Source, SpecError

ABOUT = "a weight file is .safetensors, .safetensors.index.json or .gguf, or a folder that holds them"


def refuse(code: str, path: Path | str, message: str, help: str = ABOUT) -> NoReturn:
    """End with one diagnostic about a file."""
    raise SpecError([Diagnostic(code, message, None, Source(str(path), ""), help)])


def truncated(path: Path, at: int, wanted: str) -> NoReturn:
    """A file that ends too early."""
    refuse("truncated-file", path, f"the file ends at byte {at:,}, within {wanted}", "fetch the file again")
