"""What tests of `archcalc profile` begin with."""

from __future__ import annotations

import pytest

from tests.cli.running import spec


@pytest.fixture(autouse=True)
def _soon_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.torch_bridge.profile.timing.LEAST_SECONDS", 0.0)
    monkeypatch.setattr("archcalc.torch_bridge.profile.timing.MOST_SECONDS", 0.2)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return spec(tmp_path_factory.mktemp("specs"))
