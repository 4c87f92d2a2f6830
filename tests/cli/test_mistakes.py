"""A user's mistakes: one diagnostic on stderr, nothing on stdout, exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from archcalc.cli.commands import COMMANDS, built
from tests.cli.running import NET, run, spec


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "vgg61"], "no network is called `vgg61`"),
        (["show", "./none.yaml"], "cannot be read"),
        (["show", "vgg16", "--set", "resolution"], "--set takes NAME=VALUE, not `resolution`"),
        (["show", "vgg16", "--set", "=3"], "--set takes NAME=VALUE"),
        (["show", "vgg16", "--set", "resolution="], "--set takes NAME=VALUE"),
        (["show", "vgg16", "--set", "resolutoin=3"], "did you mean `resolution`?"),
        (["show", "vgg16", "--set", "resolution=3 +"], "--set resolution:1:"),
        (["show", "vgg16", "--set", "resolution=none"], "error["),
        (["show", "vgg16", "--set", "resolution=0"], "error["),
        (["show", "vgg16", "--set", "resolution=8"], "window-larger-than-input"),
        (["show", "vgg16", "--input", "3,a,b"], "--input takes sizes"),
        (["show", "vgg16", "--input", ""], "--input takes sizes"),
        (["show", "vgg16", "--input", "3x0x0"], "error[bad-input]"),
        (["show", "vgg16", "--input", "3x224"], "vgg reads 3 numbers"),
        (["show", "vgg16", "--batch", "0"], "the batch is 0; it is 1 or more"),
        (["show", "vgg16", "--batch", "-1"], "the batch is -1"),
        (["show", "vgg16", "--batch", "many"], "'many' is not a whole number"),
        (["show", "vgg16", "--dtype", "fp23"], "did you mean `fp32`?"),
        (["show", "vgg16", "--convention", "mac"], "did you mean `macs`?"),
        (["show", "vgg16", "--sort", "param"], "did you mean `params`?"),
        (["show", "vgg16", "--sort", "zzzz"], "there are name, type"),
        (["show", "vgg16", "--top", "0"], "0 is less than 1"),
        (["show", "vgg16", "--by", "colour"], "'colour' is not one of op, layer, stage, type"),
        (["show", "vgg16", "--format", "xml"], "'xml' is not one of table, markdown, csv, json"),
        (["show", "vgg16", "--units", "imperial"], "'imperial' is not one of si, raw"),
        (["show", "vgg16", "--by", "type", "--depth", "2"], "--depth cuts names of layers"),
        (["show", "vgg16", "--limit", "layer=3"], "did you mean `layers`?"),
        (["show", "vgg16", "--limit", "layers=many"], "--limit layers takes a whole number"),
        (["show", "vgg16", "--limit", "layers"], "--limit takes NAME=VALUE"),
        (["show", "vgg16", "-o", "/no/such/folder/x.csv"], "mkdir -p /no/such/folder"),
        (["show", "vgg16", "-o", "/"], "cannot be written"),
        (["show", "vgg16", "-o", "/no/cost.svg"], "`/no/cost.svg` ends as a picture does"),
        (["sweep", "vgg16", "--over", "classes=1,2", "-o", "/no/cost.PNG"], "--plot draws one"),
        (["validate", "/no/my.yaml", "-o", "/no/found.csv"], "this result is not written as csv"),
        (["compare", "vgg16", "vgg19", "--draw", "/no/cost.svg"], "is an option: -o /no/cost.svg"),
        (["memory", "cost.csv"], "`cost.csv` is no network"),
        (["show", "vgg16", "--colour"], "No such option"),
        (["show"], "Missing argument"),
        (["shwo", "vgg16"], "No such command"),
        (["validate", "x.yaml", "--format", "csv"], "is not one of text, json, github"),
    ],
)
def test_mistakes(arguments: list[str], words: str) -> None:
    found = run(*arguments, code=2)
    assert found.stdout == ""
    assert words in found.stderr
    assert "Traceback" not in found.stderr


def test_a_broken_spec_as_an_argument(tmp_path: Path) -> None:
    path = spec(tmp_path, NET.replace("maxpool", "macspool"))
    found = run("show", path, code=2)
    assert found.stdout == ""
    assert f"--> {path}:9:10" in found.stderr
    assert "did you mean `maxpool`?" in found.stderr


def test_nothing_is_left_behind_where_a_file_cannot_be_written(tmp_path: Path) -> None:
    run("show", "vgg61", "-o", str(tmp_path / "x.csv"), code=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help(command: str) -> None:
    found = run(*command.split(), "--help").stdout
    assert found.startswith(f"Usage: archcalc {command}".rstrip())
    assert "--help" in found


def test_help_says_of_every_command_in_a_whole_sentence_what_it_does() -> None:
    _, _, listed = run("--help", columns=80).stdout.partition("Commands:\n")
    lines = listed.splitlines()[: len(COMMANDS)]
    assert [line.split()[0] for line in lines] == [*COMMANDS]
    assert [line for line in lines if line.endswith("...") or not line.endswith((".", "?"))] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_in_the_help_of_all_is_its_own(name: str) -> None:
    command = built(name)
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name].says
    assert command.callback.__module__ == f"archcalc.cli.{COMMANDS[name].module}"


def test_help_names_what_an_option_takes() -> None:
    from archcalc.engine.cost.conventions import CONVENTIONS
    from archcalc.results.cost import DTYPES

    words = run("show", "--help").stdout.split()
    for name in (*DTYPES, *CONVENTIONS):
        assert any(word.strip(".:,()[]") == name for word in words), name


def test_version() -> None:
    from archcalc import __version__

    assert run("--version").stdout == f"archcalc {__version__}\n"


@pytest.mark.usefixtures("shared_library")
@pytest.mark.parametrize(
    "ending", ["pdf", "xlsx", "xls", "tsv", "docx", "html", "yaml", "png", "jpg", "jsonl", "gz", "feather", "v2"]
)
@pytest.mark.parametrize(
    "command",
    [
        ["show", "lenet5"],
        ["compare", "lenet5", "alexnet"],
        ["formula", "lenet5"],
        ["sweep", "lenet5", "--over", "classes=5,10"],
        ["solve", "resnet18", "--for", "resolution", "--max", "macs=2G"],
        ["list"],
    ],
)
def test_a_file_is_what_its_ending_says_or_refused(command: list[str], ending: str, tmp_path: Path) -> None:
    if ending == "html" and command[0] in ("compare", "sweep"):
        pytest.skip("these are written as pages")
    path = tmp_path / f"x.{ending}"
    found = run(*command, "-o", str(path), code=2)
    assert "error[bad-option]: " in found.stderr
    assert f"x.{ending}` ends " in found.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("shared_library")
@pytest.mark.parametrize("ending", ["pdf", "xlsx", "docx", "parquet", "png", "gz"])
@pytest.mark.parametrize("command", [["list"], ["find", "--where", "params < 1M"], ["show", "lenet5"]])
def test_a_format_that_is_asked_for_is_not_hidden_behind_an_ending(
    command: list[str], ending: str, tmp_path: Path
) -> None:
    found = run(*command, "--format", "csv", "-o", str(tmp_path / f"x.{ending}"), code=2)
    assert f"x.{ending}` ends " in found.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x.txt", "x", "x.log", "X.TXT"])
def test_a_text_goes_to_a_text_file(name: str, tmp_path: Path) -> None:
    run("show", "lenet5", "-o", str(tmp_path / name))
    assert (tmp_path / name).read_text(encoding="utf-8").startswith("lenet5")
