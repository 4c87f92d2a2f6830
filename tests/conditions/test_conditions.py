"""What the page on conditions says is computed again with installed packages, and fails when it changes."""

from __future__ import annotations

import string
import warnings
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from archcalc.report.media.markdown import markdown
from archcalc.report.pages.conditions import page, read
from archcalc.results.condition import Condition

PARTS = read()
MODULES = ("tests.conditions.counted", "tests.conditions.written")  # of each part
COMPUTED = [
    pytest.param(module, condition, id=condition.id)
    for module, part in zip(MODULES, PARTS, strict=True)
    for condition in part.conditions
    if condition.figures
]
ALL = [condition for part in PARTS for condition in part.conditions]


@pytest.mark.torch
@pytest.mark.parametrize(("module", "condition"), COMPUTED)
def test_figures(module: str, condition: Condition, tmp_path: Path) -> None:
    """The figures of a condition come out again; which packages are otherwise is in the message."""
    for package in ("torch", *condition.versions):
        if find_spec(package.replace("-", "_")) is None:
            pytest.skip(f"{package} is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the packages' own
        found = getattr(import_module(module), condition.id)(tmp_path)
    installed = {package: version(package) for package in condition.versions}
    assert found == condition.figures, f"computed with {installed}; the page says {condition.versions}"


def test_everything_is_computed_or_dated() -> None:
    """What is not computed says when it was seen; what is computed says nothing of the kind, and names its packages."""
    assert len({condition.id for condition in ALL}) == len(ALL) >= 28
    for condition in ALL:
        assert bool(condition.figures) != bool(condition.seen), condition.id
        named = {name for _, name, _, _ in string.Formatter().parse(condition.is_so) if name}
        assert named <= set(condition.figures), condition.id
        assert condition.versions, condition.id
    assert sum(bool(condition.figures) for condition in ALL) >= 24


def test_page() -> None:
    text = markdown(page(PARTS))
    for condition in ALL:
        assert f"`{condition.id}`" in text
    assert "not recomputed" in text
    assert "{" not in text
