"""Files as sources: whatever is in them, a text or a `SpecError`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archcalc.source.diagnostic import Diagnostic, SpecError
from archcalc.source.text import Source, Span

if TYPE_CHECKING:
    import os

MAX_BYTES = 1 << 20
"""A file may be this long [bytes], unless the caller says otherwise."""

USUAL_BYTES = 1 << 16
"""Most files are shorter than this [bytes]; room for the longest takes more time than reading them."""


def read_source(
    path: str | os.PathLike[str], name: str | None = None, limit: int = MAX_BYTES, kind: str = "a spec, a YAML file"
) -> Source:
    """The text of a file, called `name` in messages. Raises no-such-file, file-too-large and not-utf8.

    `kind` says what file is meant, to whoever gave another one.
    """
    shown = str(path) if name is None else name
    try:
        with Path(path).open("rb") as file:
            data = file.read(min(limit + 1, USUAL_BYTES))
            if len(data) == USUAL_BYTES:
                data += file.read(limit + 1 - USUAL_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = str(getattr(error, "strerror", None) or error)
        message = f"`{shown}` cannot be read: {reason[:1].lower()}{reason[1:]}"
        help_ = f"give the path of {kind}"
        raise SpecError([Diagnostic("no-such-file", message, None, Source(shown, ""), help_)]) from None
    return source_from_bytes(shown, data, limit)


def source_from_bytes(name: str, data: bytes, limit: int = MAX_BYTES) -> Source:
    """The text in `data`. Raises file-too-large and not-utf8."""
    if len(data) > limit:
        message = f"the file is longer than {limit:,} bytes"
        help_ = "split it into several files"
        raise SpecError([Diagnostic("file-too-large", message, None, Source(name, ""), help_)])
    try:
        return Source(name, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        at = len(Source(name, data[: error.start].decode("utf-8")).text)
        message = f"the file is not UTF-8 text: byte 0x{data[error.start]:02X} cannot stand here"
        broken = Source(name, data.decode("utf-8", "replace"))
        found = Diagnostic("not-utf8", message, Span(at, at + 1), broken, "save the file as UTF-8")
        raise SpecError([found]) from None
