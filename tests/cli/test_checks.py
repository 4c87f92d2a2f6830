from __future__ import annotations

import json
from pathlib import Path

import pytest

from archcalc.ops import OPERATORS
from tests.cli.running import NET, run, spec

WRONG = NET.replace("linear(10)", "linear(10, bia=true)")


def test_valid_files(tmp_path: Path) -> None:
    assert run("validate", spec(tmp_path)).stdout == "1 file, 2 networks: no findings\n"


def test_findings_are_the_result_and_told_once(tmp_path: Path) -> None:
    path = spec(tmp_path, WRONG)
    found = run("validate", path, code=1)
    assert found.stderr == ""
    assert found.stdout.count("bia") >= 1
    assert found.stdout.count("error[") == 1
    assert f"--> {path}:10:" in found.stdout
    assert found.stdout.endswith("1 finding\n")


def test_findings_of_all_files_in_one_run(tmp_path: Path) -> None:
    first, second = spec(tmp_path, WRONG, "a.yaml"), spec(tmp_path, WRONG.replace("bia", "bios"), "b.yaml")
    found = run("validate", first, second, spec(tmp_path), code=1).stdout
    assert "bia" in found
    assert "bios" in found
    assert "3 files" in found


def test_shapes_are_checked_in_every_variant_and_told_once(tmp_path: Path) -> None:
    path = spec(tmp_path, NET.replace("maxpool(2)", "maxpool(20)"))
    found = run("validate", path, code=1).stdout
    assert found.count("error[window-larger-than-input]") == 1
    assert "2 networks: 1 finding" in found


def test_formats_for_programs(tmp_path: Path) -> None:
    path = spec(tmp_path, WRONG)
    (finding,) = json.loads(run("validate", path, "--format", "json", code=1).stdout)
    assert finding["line"] == 10
    assert run("validate", path, "--format", "github", code=1).stdout.startswith("::error file=")
    assert run("validate", spec(tmp_path), "--format", "github").stdout == ""
    assert json.loads(run("validate", spec(tmp_path), "--format", "json").stdout) == []


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    found = run("validate", str(tmp_path / "no.yaml"), code=2)
    assert "error[no-such-file]" in found.stdout
    assert "error[no-such-file]" in run("validate", str(tmp_path), code=2).stdout


def test_a_family_without_values_names_its_variables(tmp_path: Path) -> None:
    path = spec(tmp_path, NET.replace("size: 8, width: 4", "width: 4").replace("width: 16", "size: 16"))
    assert "no findings" in run("validate", path).stdout


def test_operators_are_listed() -> None:
    found = run("ops", columns=80).stdout
    assert all(len(line) <= 80 for line in found.splitlines())
    assert f"{len(OPERATORS)} operators" in found
    for name in ("relu", "concat", "linear("):
        assert any(line.startswith(name) for line in found.splitlines())


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_has_a_page(name: str) -> None:
    found = run("ops", name, columns=100).stdout
    assert found.startswith(f"{name}\n")
    for words in ("Shapes:", "Counts:", "Source:", "torch: "):
        assert words in found
    for argument in OPERATORS[name].arguments:
        assert f"\n{argument} " in found


def test_operators_for_programs() -> None:
    found = json.loads(run("ops", "--format", "json").stdout)
    assert {row["name"] for row in found["operators"]} == set(OPERATORS)
    (conv,) = json.loads(run("ops", "conv", "--format", "json").stdout)["operators"]
    assert [row["name"] for row in conv["arguments"]][:3] == ["channels", "kernel", "stride"]
    assert run("ops", "--format", "csv").stdout.startswith("name,family,signature,summary\n")
    assert run("ops", "conv", "--format", "markdown").stdout.startswith("# conv\n")


def test_an_unknown_operator_has_suggestions() -> None:
    assert "did you mean `maxpool`" in run("ops", "maxpol", code=2).stderr
    assert "lists them all" in run("ops", "zzzzzzz", code=2).stderr


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
