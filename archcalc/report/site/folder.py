"""The folder that a site is written into."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from archcalc.report.site.shared import json_text
from archcalc.source.writing import take_away, write_whole

MARK = "site.json"  # names what a site consists of; a folder without it was made by somebody else


class NotASiteError(ValueError):
    """A folder holds files that no site of ours consists of."""


def write(folder: Path, files: Iterable[tuple[str, str]]) -> int:
    """Write a site into an empty folder, or over an earlier one, whose further files go; gives how many there are.

    Every file is written whole; only the list of them waits for the disk, since what a machine that fails leaves broken
    is written again the next time.

    Raises:
        NotASiteError: the folder holds something else.
        OSError: it cannot be written.
    """
    stale = set(made_before(folder))
    written: set[str] = set()
    tidy: set[Path] = set()
    try:
        for path, text in files:
            place = folder / path
            if place.parent not in tidy:
                place.parent.mkdir(parents=True, exist_ok=True)
                take_away(place.parent, ".")
                tidy.add(place.parent)
            if not place.is_file() or place.read_bytes() != text.encode("utf-8"):
                write_whole(place, text, is_tidy=True, is_lasting=False)
            written.add(path)
        for path in stale - written:
            (folder / path).unlink(missing_ok=True)
        stale = set()
    finally:  # one that was interrupted is known as ours, and is gone on with
        if folder.is_dir():
            write_whole(folder / MARK, json_text({"made_by": "archcalc site", "files": sorted(written | stale)}))
    return len(written)


def made_before(folder: Path) -> list[str]:
    """Files of an earlier site in a folder.

    Raises:
        NotASiteError: it holds something else.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return []
    try:
        found = json.loads((folder / MARK).read_text(encoding="utf-8"))
        if found["made_by"] == "archcalc site":
            return [path for path in found["files"] if not Path(path).is_absolute() and ".." not in Path(path).parts]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise NotASiteError(f"`{folder}` holds something else than a site of archcalc")
