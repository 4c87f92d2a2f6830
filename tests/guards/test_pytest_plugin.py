"""The fixture and the function `assert_cost`: in the tests of a model repository."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from archcalc.pytest_plugin import AssertCost
from archcalc.pytest_plugin import assert_cost as assert_cost_of
from archcalc.source import SpecError
from tests.cli.running import MYSTERY, spec
from tests.guards.repository import MACS, NET, PARAMS

ROOT = Path(__file__).parent.parent.parent
PARAMS_WIDE = (8 * 9 + 8) + (8 * 3 * 3 * 10 + 10)
TESTS = f"""\
from archcalc.pytest_plugin import assert_cost as assert_cost_of

def test_kept(assert_cost):
    assert_cost("my.yaml", params={PARAMS}, macs="<= 1.7K", size_bytes="< 2KiB")

def test_over(assert_cost):
    assert_cost("my.yaml", params={PARAMS - 10}, macs="<= 1.6K")

def test_variant(assert_cost):
    assert_cost("my.yaml:my@wide", params={PARAMS_WIDE})

def test_name(assert_cost):
    assert_cost("lenet5", params=60_000)

def test_function():
    assert_cost_of("resnet50@torchvision", params=25_557_032, macs=4_089_184_256)
"""


def pytest_in(folder: Path) -> subprocess.CompletedProcess[str]:
    """The tests of a repository, with this plugin alone and warnings as errors."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "archcalc.pytest_plugin", "-W", "error", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "COLUMNS": "200"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_a_repository_with_the_plugin(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    spec(tests, f"{NET}variants:\n  my@wide: {{width: 8}}\n", "my.yaml")
    (tests / "lenet5").write_text("of that name there is a network", encoding="utf-8")
    (tests / "test_cost.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    done = pytest_in(tmp_path)
    assert done.returncode == 1, done.stderr
    assert "1 failed, 4 passed" in done.stdout
    shown = [line[8:] for line in done.stdout.splitlines() if line.startswith("E   ")]
    assert shown == [
        f"AssertionError: {tests / 'my.yaml'} does not cost what is asked",
        "  params: asked 400, got 410: 10 (2.5%) more",
        "    most in fc (linear(10)) 370, conv1 (conv(4, 3)) 40",
        "  macs: asked <= 1.6K, got 1,656: 56 (3.5%) more",
        "    most in conv1 (conv(4, 3)) 1,296, fc (linear(10)) 360",
    ]
    assert "pytest_plugin.py" not in done.stdout  # the failing line is that of the test


def test_pytest_finds_the_plugin_where_archcalc_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"archcalc": "archcalc.pytest_plugin"}
    installed = {entry.name: entry.value for entry in entry_points(group="pytest11")}
    assert installed.get("archcalc") == "archcalc.pytest_plugin", "pip install -e ."


def test_it_does_not_slow_the_start_of_pytest() -> None:
    code = "import pytest, sys; old = set(sys.modules); import archcalc.pytest_plugin; print(*set(sys.modules) - old)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    loaded = set(done.stdout.split())
    assert "archcalc.pytest_plugin" in loaded
    assert {name for name in loaded if name.startswith("archcalc")} == {"archcalc", "archcalc.pytest_plugin"}
    assert not {name.partition(".")[0] for name in loaded} & {"yaml", "typer", "numpy", "torch"}


def test_the_fixture(assert_cost: AssertCost) -> None:
    assert_cost("lenet5", params=60_000, connections=340_908, depth=5)  # LeCun et al. 1998, section II.B
    with pytest.raises(AssertionError, match="connections: asked 340,909, got 340,908: 1 "):
        assert_cost("lenet5", connections=340_909)


@pytest.mark.parametrize(
    "asked", [MACS, f"<= {MACS}", f">= {MACS}", f"== {MACS}", "> 1.6K", "!= 1", "1,656", f"{MACS}"]
)
def test_what_holds_passes(asked: int | str, tmp_path: Path) -> None:
    assert_cost_of(spec(tmp_path, NET), macs=asked)


@pytest.mark.parametrize("asked", [MACS + 1, f"< {MACS}", f"> {MACS}", f"!= {MACS}", ">= 1.7K", "1K"])
def test_what_does_not_hold_fails(asked: int | str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"macs: asked .*, got 1,656"):
        assert_cost_of(spec(tmp_path, NET), macs=asked)


def test_settings(tmp_path: Path) -> None:
    path = spec(tmp_path, f"{NET}variants:\n  my@wide: {{width: 8}}\n")
    assert_cost_of(f"{path}:my@wide", params=PARAMS_WIDE)
    assert_cost_of(path, set={"width": 8}, params=PARAMS_WIDE)
    assert_cost_of(path, batch=3, macs=3 * MACS, params=PARAMS)
    assert_cost_of(path, dtype="fp16", size_bytes=2 * PARAMS)
    assert_cost_of(path, input=(1, 10, 10), macs=4 * 9 * 8 * 8 + 4 * 4 * 4 * 10)
    assert_cost_of(path, scope="fc", params=370)


def test_a_lower_bound_proves_only_that_there_is_more(tmp_path: Path) -> None:
    path = spec(tmp_path, MYSTERY)
    assert_cost_of(path, macs="> 3K")
    with pytest.raises(AssertionError, match="got at least 3,888"):  # 4 x 3 x 3^2 weights at 6 x 6 positions, at least
        assert_cost_of(path, macs="<= 1G")


@pytest.mark.parametrize(
    ("quantities", "error", "message"),
    [
        ({}, TypeError, "checks nothing"),
        ({"params": 1.5}, TypeError, "1.5"),
        ({"params": True}, TypeError, "True"),
        ({"params": "> +2%"}, TypeError, "a change"),
        ({"params": -1}, TypeError, "a change"),
        ({"params": "few"}, SpecError, "no condition"),
        ({"param": 1}, SpecError, "did you mean `params`"),
        ({"flops": 1}, SpecError, "say whose FLOPs"),
    ],
)
def test_mistakes_of_the_test_are_no_failures(
    quantities: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        assert_cost_of(spec(tmp_path, NET), **quantities)


def test_a_spec_that_is_wrong_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"tiny.yaml:7:7"):
        assert_cost_of(spec(tmp_path, NET.replace("linear", "lineal")), params=1)
