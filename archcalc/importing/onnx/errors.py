"""What is wrong with an ONNX file, as diagnostics that name the file and the place in it."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from archcalc.source import Diagnostic, Source, SpecError

ABOUT = "give an ONNX model, as torch.onnx.export writes it"


def refuse(code: str, path: Path | str, message: str, help: str = ABOUT) -> NoReturn:
    """End with one diagnostic about a file."""
    raise SpecError([Diagnostic(code, message, None, Source(str(path), ""), help)])
