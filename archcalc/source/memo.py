"""What was computed before, kept for the next process: plain values under a digest of all that they depend on.

An entry is taken only where the content of every file that it depends on is what it was: archcalc's own code, that of
PyYAML, the version of Python, and the files that whoever asks names. There is one file for each name, of some hundred
KB, which is written anew when the digest is another. What is damaged, or cannot be written, is computed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import archcalc
from archcalc.source.places import PACKAGE, cache_folder

ROOMS = ("source", "dims", "ops", "results", "spec", "importing", "engine", "claims")  # that decide what is computed
TICK = 100_000_000  # by which the clock of files may be late [ns]


def remembered(name: str, paths: Sequence[Path], compute: Callable[[], Any]) -> Any:
    """What a function gives; from before, where nothing that it depends on has changed.

    Args:
        name: of the entry.
        paths: files that it depends on, beside archcalc itself.
        compute: gives what JSON can hold, or None: then nothing is kept.
    """
    key = digest(paths)
    found = _read(name, key)
    if found is None:
        found = compute()
        if found is not None and key is not None and digest(paths) == key:
            _write(name, key, found)
    return found


def recalled(name: str, paths: Sequence[Path]) -> Any:
    """What is kept under a name; None where there is nothing, or something that it depends on has changed."""
    return _read(name, digest(paths))


def digest(paths: Iterable[Path]) -> str | None:
    """Of the code and of some files; None where nothing is to be kept.

    That is so where it is switched off, a file cannot be read, or code was changed since this process began, which may
    then have imported either.
    """
    if cache_folder() is None:
        return None
    made = sha256(sys.version.encode())
    try:
        code = sorted(path for room in ROOMS for path in (PACKAGE / room).rglob("*.py"))
        code += [PACKAGE / "graph.py", PACKAGE / "__init__.py", *_yaml(made)]
        for path in code:
            found = path.stat()
            if max(found.st_mtime_ns, found.st_ctime_ns) > archcalc.BEGAN - TICK:
                return None
        for path in (*code, *paths):
            content = path.read_bytes()
            made.update(f"\0{path}\0{len(content)}\0".encode("utf-8", "surrogatepass"))
            made.update(content)
    except OSError:
        return None
    return made.hexdigest()


def _yaml(made: Any) -> list[Path]:
    """What says PyYAML's version, without importing it; the names of its files say whether it has libyaml."""
    found = find_spec("yaml")
    if found is None or found.origin is None:
        raise FileNotFoundError("yaml")
    init = Path(found.origin)
    made.update("\0".join(sorted(path.name for path in init.parent.iterdir())).encode())
    return [init]


def _read(name: str, key: str | None) -> Any:
    folder = cache_folder()
    if folder is None or key is None:
        return None
    try:
        head, _, body = (folder / f"{name}.json").read_bytes().partition(b"\n")
    except OSError:
        return None
    return json.loads(body) if head == _head(key, body) else None


def _write(name: str, key: str, value: Any) -> None:
    from archcalc.source.writing import write_whole

    folder = cache_folder()
    body = json.dumps(value, separators=(",", ":")).encode()
    if folder is not None:
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(folder / f"{name}.json", _head(key, body) + b"\n" + body)


def _head(key: str, body: bytes) -> bytes:
    """The first line of an entry: what it is of, and that it is whole."""
    return f"archcalc {key} {sha256(body).hexdigest()}".encode()
