from __future__ import annotations

from pathlib import Path

from tests.cli.running import run


def test_reports_are_written_checked_and_repaired(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    where = ["-o", str(folder)]
    assert run("report", "--check", *where, code=1).stdout.startswith("missing: ")
    assert "new" in run("report", *where).stdout
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


def test_reports_hold_the_figures(tmp_path: Path) -> None:
    run("report", "-o", str(tmp_path))
    index = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| [googlenet](networks/googlenet.md) | 3x224x224 | 6,998,552 | 1,582,671,872 | 22 |" in index
    page = (tmp_path / "networks" / "googlenet.md").read_text(encoding="utf-8")
    assert "13,378,280" in page
    assert "| aux1.conv |" in page
    table = (tmp_path / "tables" / "lenet5.csv").read_text(encoding="utf-8")
    assert table.splitlines()[0].startswith("name,type,notation,stage,in_shape,out_shape,params,weights")
    assert "\n### conv\n" in (tmp_path / "operators.md").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    found = run("report", "-o", str(tmp_path / "file"), code=2)
    assert "error[cannot-write]" in found.stderr
