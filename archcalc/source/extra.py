"""What to say where an optional library is not installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

_ROOT = Path(__file__).parents[2]  # of a clone; else where packages are installed


class MissingExtraError(ImportError):
    """A library that an extra brings is not installed; `line` is what to type."""

    def __init__(self, module: str, extra: str) -> None:
        self.module = module
        self.line = f"pip install {_wanted(extra)}"
        super().__init__(f"this needs {module}, which is not installed: {self.line}")


def require(*modules: str, extra: str = "torch") -> None:
    """Make sure that libraries are there before anything is done.

    Raises:
        MissingExtraError: with the line to type.
    """
    for module in modules:
        if find_spec(module) is None:
            raise MissingExtraError(module, extra)


def _wanted(extra: str) -> str:
    """What pip is given, from where archcalc itself came: an index, a repository, or a folder, such as a clone."""
    import json
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        # https://packaging.python.org/en/latest/specifications/direct-url/: what pip writes of all but an index
        origin = json.loads(distribution("archcalc").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, OSError, ValueError):
        origin = {}
    if "vcs_info" in origin:
        of = origin["vcs_info"]
        return f"'archcalc[{extra}] @ {of['vcs']}+{origin['url']}@{of['commit_id']}'"
    if "archive_info" in origin:
        return f"'archcalc[{extra}] @ {origin['url']}'"
    is_clone = (_ROOT / "pyproject.toml").is_file()
    folder = _ROOT if is_clone else None
    if "dir_info" in origin and not is_clone:
        folder = Path(url2pathname(urlsplit(origin["url"]).path))
    if folder is None or not folder.is_dir():
        return f"'archcalc[{extra}]'"
    editable = "-e " if is_clone or origin.get("dir_info", {}).get("editable") else ""
    return f"{editable}'{'.' if folder == Path.cwd() else folder}[{extra}]'"
