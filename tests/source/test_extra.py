"""What to type where a library is missing: it installs archcalc again from where it came, with the extra."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archcalc.source import extra


def told(monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | None, root: Path) -> str:
    """The line, where pip wrote this as direct_url.json, and the package lies under a folder."""
    text = None if origin is None else json.dumps(origin)
    monkeypatch.setattr(metadata, "distribution", lambda name: SimpleNamespace(read_text=lambda name: text))
    monkeypatch.setattr(extra, "_ROOT", root)
    return extra.MissingExtraError("jinja2", "page").line


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (None, "pip install 'archcalc[page]'"),  # from an index
        (
            {"url": "https://a.b/c.git", "vcs_info": {"vcs": "git", "commit_id": "0a1b"}},
            "pip install 'archcalc[page] @ git+https://a.b/c.git@0a1b'",
        ),
        (
            {"url": "https://a.b/archcalc-1.whl", "archive_info": {}},
            "pip install 'archcalc[page] @ https://a.b/archcalc-1.whl'",
        ),
        ({"url": "file:///no/such/clone", "dir_info": {}}, "pip install 'archcalc[page]'"),  # deleted since
    ],
)
def test_the_line_is_of_where_archcalc_came_from(
    origin: dict[str, Any] | None, line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert told(monkeypatch, origin, tmp_path) == line


@pytest.mark.parametrize("editable", [False, True])
def test_in_a_clone_it_is_the_clone(editable: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clone = tmp_path / "a clone"
    clone.mkdir()
    (clone / "pyproject.toml").touch()
    origin = {"url": clone.as_uri(), "dir_info": {"editable": True} if editable else {}}
    option = "-e " if editable else ""
    root = clone if editable else tmp_path / "site-packages"
    assert told(monkeypatch, origin, root) == f"pip install {option}'{clone}[page]'"
    monkeypatch.chdir(clone)
    assert told(monkeypatch, origin, root) == f"pip install {option}'.[page]'"


def test_a_clone_that_runs_without_being_installed_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    assert told(monkeypatch, None, tmp_path) == f"pip install -e '{tmp_path}[page]'"
