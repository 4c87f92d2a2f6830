from __future__ import annotations

from pathlib import Path

import pytest

import archcalc
from archcalc.claims import check
from archcalc.engine import library
from archcalc.report.pages import folder as pages
from archcalc.results.claim import Ledger
from tests.cli.running import run


def give(monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> None:
    """Let the command have these files to write, without computing them again."""
    monkeypatch.setattr(library, "analysed_families", lambda: ([], []))
    monkeypatch.setattr(check, "check_ledger", lambda: Ledger([], []))
    monkeypatch.setattr(pages, "reports", lambda families, ledger: dict(files))


def test_reports_are_written_checked_and_repaired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all networks, computed once; `.ci/run` computes them again and holds them to those of the repository."""
    folder = tmp_path / "reports"
    where = ["-o", str(folder)]
    assert "new" in run("report", *where).stdout
    files = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.*")}
    hold_the_figures(files)
    give(monkeypatch, files)
    assert run("report", "--check", "-o", str(tmp_path / "nothing"), code=1).stdout.startswith("missing: ")
    assert run("report", "--check", *where).stdout.endswith("all up to date\n")
    assert "all as they were" in run("report", *where).stdout
    (folder / "performance.md").write_text("mine\n", encoding="utf-8")
    page = folder / "networks" / "lenet5.md"
    page.write_text("changed\n", encoding="utf-8")
    (folder / "networks" / "gone.md").write_text("old\n", encoding="utf-8")
    (folder / "totals.csv").unlink()
    found = run("report", "--check", *where, code=1)
    assert found.stdout.splitlines() == [
        f"missing: {folder.as_posix()}/totals.csv",
        f"differs: {folder.as_posix()}/networks/lenet5.md",
        f"stale: {folder.as_posix()}/networks/gone.md",
    ]
    assert f"archcalc report -o {folder}" in found.stderr
    assert page.read_text(encoding="utf-8") == "changed\n"
    assert run("report", *where).stdout.endswith("1 new, 1 changed, 1 removed\n")
    assert run("report", "--check", *where).code == 0
    assert (folder / "performance.md").read_text(encoding="utf-8") == "mine\n"


def test_the_function_says_what_was_not_as_it_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, {"README.md": "# Reports\n", "networks/lenet5.md": "# lenet5\n"})
    looked = archcalc.reports(tmp_path / "reports", check=True)
    assert (looked.missing, looked.was_up_to_date) == (("README.md", "networks/lenet5.md"), False)
    assert not (tmp_path / "reports").exists()
    assert archcalc.reports(tmp_path / "reports").missing == looked.missing
    (tmp_path / "reports" / "README.md").write_text("mine", encoding="utf-8")
    assert archcalc.reports(tmp_path / "reports", check=True).changed == ("README.md",)
    assert archcalc.reports(tmp_path / "reports").files == 2
    assert archcalc.reports(tmp_path / "reports", check=True).was_up_to_date


def hold_the_figures(files: dict[str, str]) -> None:
    """Hold pages and tables to figures that are known."""
    line = "| [googlenet](networks/googlenet.md) | 3x224x224 | 6,998,552 | 1,582,671,872 | 22 |"
    assert line in files["README.md"]
    assert "13,378,280" in files["networks/googlenet.md"]
    assert "| aux1.conv |" in files["networks/googlenet.md"]
    columns = "name,type,notation,stage,in_shape,out_shape,params,weights"
    assert files["tables/lenet5.csv"].splitlines()[0].startswith(columns)
    assert "\n### conv\n" in files["operators.md"]


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    give(monkeypatch, {"README.md": "# Reports\n"})
    found = run("report", "-o", str(tmp_path / "file"), code=2)
    assert "error[cannot-write]" in found.stderr
