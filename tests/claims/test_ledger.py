"""The ledger that comes with archcalc: every figure kept, every page about it true."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from archcalc.claims.check import check_ledger, ledger_folder
from archcalc.report.claim import finding
from archcalc.results.claim import ClaimResult
from tests.library import shipped

ROOT = Path(__file__).parents[2]

LEDGER = shipped()


def test_every_file_reads() -> None:
    assert not LEDGER.findings
    assert len(LEDGER.sources) == len(list(ledger_folder().glob("*.yaml")))


@pytest.mark.parametrize("result", LEDGER.results, ids=lambda result: result.claim.id)
def test_every_figure_is_kept(result: ClaimResult) -> None:
    assert not result.fails, finding(result)


def test_most_figures_are_computed() -> None:
    found = Counter(result.status for result in LEDGER.results)
    assert len(LEDGER.results) > 300
    assert found["not_computable"] < len(LEDGER.results) / 4
    assert found["reproduces"] > found["differs"]


def test_figures_known_to_be_wrong_are_recorded_so() -> None:
    """Worked by hand: 55 x 55 x 96; 7 x 7 x 3 x 64; 60,965,224 / 6,998,552."""
    found = {result.claim.id: result for result in LEDGER.results}
    assert found["alexnet.conv1.neurons"].ours == 290_400
    assert found["googlenet.conv1.params"].ours == 9_408
    for name in ("alexnet.conv1.neurons", "googlenet.conv1.params", "googlenet.params_vs_alexnet"):
        assert found[name].status == "differs"
        assert found[name].claim.because


@pytest.mark.parametrize(
    "page", [ROOT / "specs/claims/README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name
)
def test_examples_on_the_pages_are_kept(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(
        r"^ *```\w*\n( *)(source:\n.*?)^ *```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert blocks
    for number, (indent, block) in enumerate(blocks):
        text = re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
    ledger = check_ledger(tmp_path)
    assert not ledger.findings
    assert [result.claim.id for result in ledger.results if result.fails] == []
    assert ledger.results


def test_the_ledger_needs_no_heavy_library() -> None:
    code = "from archcalc.claims.check import check_ledger; check_ledger(); import sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "numpy", "pandas", "sympy", "typer", "pydantic"}
    assert not heavy & {name.partition(".")[0] for name in ran.stdout.split()}
