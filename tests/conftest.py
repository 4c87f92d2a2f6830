"""How hypothesis runs: the same examples each time in CI, and no deadlines on machines that others use too."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # commands in processes of their own are compiled once, not each time

if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: threads of each would wait for one another
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["ARCHCALC_CACHE"] = "off"  # what is tested is computed

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("long", deadline=None, max_examples=5_000)  # pytest --hypothesis-profile=long
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture
def shared_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """`list`, `find` and `sources` are given the library; `test_a_list_parses_each_file_once` has it analysed."""
    from archcalc.claims import check, find
    from archcalc.engine import library
    from tests.library import shared, shared_ledger

    monkeypatch.setattr(library, "analysed_families", shared)
    monkeypatch.setattr(find, "analysed_families", shared)
    monkeypatch.setattr(check, "check_ledger", shared_ledger)
