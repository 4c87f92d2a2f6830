"""Where things are that come with archcalc, and where it keeps what it may lose."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent


def specs_folder() -> Path:
    """Where the specs are: beside the package when it is installed, in the checkout when it is developed."""
    inside = PACKAGE / "specs"
    return inside if inside.is_dir() else PACKAGE.parent / "specs"


def cache_folder() -> Path | None:
    """Where archcalc keeps what it can compute again; None where `ARCHCALC_CACHE=off`, or nobody says where."""
    if os.environ.get("ARCHCALC_CACHE", "").lower() == "off":
        return None
    said = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    home = os.environ.get("HOME", "")
    if Path(said).is_absolute():  # what is relative is to be ignored: XDG Base Directory Specification
        return Path(said) / "archcalc"
    if not Path(home).is_absolute():
        return None
    return Path(home) / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "archcalc"
