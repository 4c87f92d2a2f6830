from __future__ import annotations

import json
from pathlib import Path

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


def test_the_ending_of_a_file_says_the_format(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    run("validate", spec(tmp_path, WRONG), "-o", str(path), code=1)
    (found,) = json.loads(path.read_text())
    assert found["line"] == 10


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


def test_names_that_hide_others_are_notes(tmp_path: Path) -> None:
    """A new operator breaks no file: its name goes on to mean what the file says, and that is told."""
    text = "network: n\ninput: features(4)\nmodules:\n  relu(sigmoid): linear(sigmoid)\nlayers:\n  a: relu(3)\n"
    found = run("validate", spec(tmp_path, text))
    assert "note[hidden-name]: the module `relu` hides an operator of that name in this file" in found.stdout
    assert "an argument of relu, `sigmoid` hides an operator" in found.stdout
    assert found.stdout.endswith("1 file, 1 network: no findings, 2 notes\n")
    written = run("validate", spec(tmp_path, text), "--format", "github").stdout
    assert written.startswith("::notice ")
    assert run("show", spec(tmp_path, text)).stderr == ""


def test_a_name_that_hides_the_word_that_is_meant_is_the_way_out(tmp_path: Path) -> None:
    text = "network: n\ninput: image(4, 8, 8)\nmodules: {half: relu}\nlayers: conv(8, 3, padding=half)\n"
    found = run("show", spec(tmp_path, text), code=2)
    assert "padding must be a number, numbers, or one of half, same, valid, causal, not a layer" in found.stderr
    assert "help: a name of this file hides the word `half`: rename it" in found.stderr
