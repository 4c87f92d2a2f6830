"""Tables of earlier are what would be written now, or every cell that is not is named."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from archcalc.engine.network import analyze
from archcalc.report.baseline import compare_baseline
from archcalc.report.media import data
from archcalc.source import SpecError
from tests.cli.running import run, spec
from tests.guards.repository import NET

TABLES = Path(__file__).parent.parent.parent / "reports"


def written(path: Path, *arguments: str) -> Path:
    run(*arguments, "--format", "csv", "-o", str(path))
    return path


def told(*arguments: str, code: int = 0) -> str:
    """What a command prints, wherever its lines end."""
    return " ".join(run(*arguments, code=code).stdout.split())


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def deviations(path: Path) -> list[tuple[int, str, str, str | None, str | None]]:
    """Line, row, column, was, is."""
    found = compare_baseline(path).deviations
    return [(of.line, of.row, of.column, of.was, of.now) for of in found]


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "lenet5"],
        ["show", "lenet5", "--by", "op"],
        ["show", "googlenet", "--by", "stage"],
        ["show", "googlenet", "--with-heads"],
        ["show", "resnet18", "--by", "type"],
        ["show", "resnet18", "--convention", "macs"],
        ["show", "alexnet@pruned"],
        ["show", "resnet18", "--sort", "params"],
    ],
    ids=" ".join,
)
def test_a_table_of_layers_just_written_has_no_deviation(arguments: list[str], tmp_path: Path) -> None:
    assert deviations(written(tmp_path / f"{arguments[1]}.csv", *arguments)) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "lenet5", "alexnet@pruned", "googlenet@naive"],
        ["compare", "resnet18", "vgg11", "--batch", "4", "--set", "resolution=256", "--dtype", "fp16"],
        ["compare", "resnet18", "vgg11", "--bits", "7", "--density", "0.3", "--convention", "macs"],
        ["compare", "googlenet", "googlenet@naive", "--scope", "inception_3a"],
        ["compare", "googlenet", "googlenet@torchvision", "--with-heads"],
    ],
    ids=" ".join,
)
def test_a_table_of_totals_is_computed_as_its_settings_say(arguments: list[str], tmp_path: Path) -> None:
    path = written(tmp_path / "totals.csv", *arguments)
    assert deviations(path) == []
    (line,) = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(f"{arguments[1]},")]
    cells = line.split(",")
    edited(path, line, ",".join([*cells[:13], str(int(cells[13]) + 1), *cells[14:]]))
    assert deviations(path) == [(2, arguments[1], "params", str(int(cells[13]) + 1), cells[13])]


def test_the_reports_of_this_repository_are_baselines() -> None:
    assert "94 rows, all as it is counted now" in told("check", "--baseline", str(TABLES / "tables/googlenet.csv"))


@pytest.mark.parametrize(
    "settings",
    [
        ["--batch", "8", "--set", "resolution=256"],
        ["--input", "3x192x160"],
        ["--dtype", "fp16", "--set", "classes=10"],
    ],
    ids=" ".join,
)
def test_a_table_of_layers_is_computed_with_the_settings_that_are_said(settings: list[str], tmp_path: Path) -> None:
    path = str(written(tmp_path / "b.csv", "show", "resnet18", *settings))
    assert "39 rows, all as it is counted now" in told("check", "resnet18", "--baseline", path, *settings)
    for place in range(0, len(settings), 2):  # each of them is needed
        others = settings[:place] + settings[place + 2 :]
        assert " deviations" in told("check", "resnet18", "--baseline", path, *others, code=1)


@pytest.mark.parametrize(
    ("columns", "layers"),
    [
        # `linear` is a layer, and a type of two layers
        (["name", "params", "macs"], "  conv: conv(4, 3)\n  linear: linear(10)\n  last: linear(5)\n"),
        # three stages, and three types of the same names: only the notations tell
        ([], "  conv: conv(4, 3, activation=relu)\n  linear: linear(10)\n  relu:\n    linear: linear(5)\n"),
    ],
    ids=["some columns", "all"],
)
@pytest.mark.parametrize("by", ["layer", "op", "stage", "type"])
def test_what_a_row_is_is_told_where_names_could_be_either(
    by: str, columns: list[str], layers: str, tmp_path: Path
) -> None:
    network = spec(tmp_path, f"network: my\ninput: image(1, 8, 8)\nlayers:\n{layers}", "my.yaml")
    path = written(tmp_path / "costs.csv", "show", network, "--by", by)
    if columns:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        lines = [columns, *([row[column] for column in columns] for row in rows)]
        path.write_text("".join(f"{','.join(line)}\n" for line in lines), encoding="utf-8")
    assert "all as it is" in told("check", network, "--baseline", str(path))


def test_heads_are_counted_in_a_table_without_its_column_of_heads(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    rows = csv.DictReader(io.StringIO(run("show", "googlenet", "--with-heads", "--format", "csv").stdout))
    path.write_text("name,params\n" + "".join(f"{row['name']},{row['params']}\n" for row in rows), encoding="utf-8")
    assert " all as it is" in told("check", "googlenet", "--baseline", str(path), "--with-heads")
    assert "missing" in told("check", "googlenet", "--baseline", str(path), code=1)


def test_a_table_of_totals_is_computed_with_what_it_does_not_say(tmp_path: Path) -> None:
    settings = ["--set", "classes=10"]
    path = str(written(tmp_path / "b.csv", "compare", "resnet18", "vgg11", *settings, "--batch", "2"))
    both = ["check", "resnet18", "vgg11", "--baseline", path]
    assert "2 rows, all as it is" in told(*both, *settings)
    # only networks that are given are set: that of the other row has 1,000 classes
    found = json.loads(run("check", "resnet18", "--baseline", path, *settings, "--format", "json", code=1).stdout)
    assert {deviation["row"] for deviation in found["deviations"]} == {"vgg11"}
    # what is said holds over the table, which is not as that
    found = json.loads(run(*both, *settings, "--batch", "4", "--format", "json", code=1).stdout)
    batches = [(each["was"], each["now"]) for each in found["deviations"] if each["column"] == "batch"]
    assert batches == [("2", "4"), ("2", "4")]
    found = json.loads(run(*both, *settings, "--input", "3x192x160", "--format", "json", code=1).stdout)
    inputs = [(each["was"], each["now"]) for each in found["deviations"] if each["column"] == "input"]
    assert inputs == [("3x224x224", "3x192x160")] * 2


def test_a_text_has_some_of_many_deviations_and_says_how_many_more(tmp_path: Path) -> None:
    path = tmp_path / "lenet5.csv"
    path.write_text("name,params\nC1,156\n" + "".join(f"L{number},1\n" for number in range(60)), encoding="utf-8")
    found = told("check", "--baseline", str(path), code=1)  # 60 layers that are not there, and 6 of LeNet-5's 7
    assert "L49 " in found
    assert "L50 " not in found
    assert "and 16 more: --format json has them all" in found
    assert "61 rows, 66 deviations" in found
    rows = json.loads(run("check", "--baseline", str(path), "--format", "json", code=1).stdout)["deviations"]
    assert len(rows) == 66


def test_every_row_and_column_that_differs_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "lenet5.csv", "show", "lenet5")
    edited(path, "117600", "117601")
    edited(path, "S2,", "S2b,")
    edited(path, "norm_params", "norms")
    # LeCun et al. 1998: C1 has 156 x 28 x 28 - 6 x 28 x 28 multiplications.
    assert deviations(path) == [
        (1, "", "norms", "norms", None),
        (2, "C1", "macs", "117601", str(150 * 28 * 28)),
        (3, "S2b", "", "S2b", None),
        (8, "S2", "", None, "S2"),
    ]
    found = told("check", "--baseline", str(path), code=1)
    assert "lenet5.csv: 7 rows, 4 deviations" in found
    assert found.count("missing") == 3


def test_fewer_columns_are_compared_too(tmp_path: Path) -> None:
    path = tmp_path / "lenet5.csv"
    path.write_text("name,params\nC1,156\nS2,12\nC3,1516\nS4,32\nC5,48120\nF6,10164\nOUT,0\n", encoding="utf-8")
    assert deviations(path) == []
    assert deviations(edited(path, "1516", "1512")) == [(4, "C3", "params", "1512", "1516")]


def test_a_table_of_ones_own_network(tmp_path: Path) -> None:
    network = spec(tmp_path, NET, "my.yaml")
    path = written(tmp_path / "costs.csv", "show", network)
    assert "3 rows, all" in told("check", network, "--baseline", str(path))
    spec(tmp_path, NET.replace("width: 4", "width: 5"), "my.yaml")
    again = spec(tmp_path, NET.replace("width: 4", "width: 5"), "again.yaml")
    found = run("check", again, "--baseline", str(path), "--format", "json", code=1).stdout
    cells = {(row["row"], row["column"]): (row["was"], row["now"]) for row in json.loads(found)["deviations"]}
    assert cells["conv1", "params"] == ("40", "50")
    assert cells["fc", "macs"] == ("360", "450")
    assert ("pool1", "params") not in cells
    report = run("check", again, "--baseline", str(path), "--format", "junit", code=1).stdout
    assert '<testsuite name="baselines" tests="1" failures="1"' in report


def test_csv_without_deviations_has_their_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "lenet5.csv", "show", "lenet5")
    assert run("check", "--baseline", str(path), "--format", "csv").stdout == "file,line,row,column,was,now\n"


def test_a_budget_and_a_baseline_at_once(tmp_path: Path) -> None:
    network = spec(tmp_path, NET, "my.yaml")
    path = written(tmp_path / "costs.csv", "show", network)
    found = told("check", network, "--baseline", str(path), "--max", "params=400", code=1)
    assert "1 limit: 1 over" in found
    assert "3 rows, all as it is" in found
    apart = run("check", network, "--baseline", str(path), "--max", "params=400", "--format", "csv", code=2).stderr
    assert apart.startswith("error[bad-option]")


def test_of_several_networks_the_one_named_as_the_table_is(tmp_path: Path) -> None:
    network = spec(tmp_path, f"{NET}variants:\n  my@wide: {{width: 8}}\n", "my.yaml")
    path = written(tmp_path / "my@wide.csv", "show", f"{network}:my@wide")
    assert "3 rows, all" in told("check", network, "--baseline", str(path))
    other = path.rename(tmp_path / "other.csv")
    assert "my and my@wide are given" in run("check", network, "--baseline", str(other), code=2).stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it has no rows"),
        ("name,params\n", "it has no rows"),
        ("layer,cost\na,1\n", "no columns `name` and `params`"),
        ("# a page\n\nof text\n", "no columns `name` and `params`"),
        ("name,params\nC1\n", "line 2 has 1 cells under 2 columns"),
        ("name,params,batch,convention\nlenet5,1,many,macs\n", "line 2: `many` under `batch` is no whole number"),
        ("name,params,batch,convention\nlenet5,1,0,macs\n", "line 2: batch is 0; it must be at least 1"),
        ("name,params,batch,convention,input\nlenet5,1,1,macs,1xno\n", "line 2: `no` under `input` is no whole number"),
        ("name,params,batch,convention\nlenet5,1,1,mine\n", "no convention is called mine"),
    ],
)
def test_what_is_no_table_of_ours_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "lenet5.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=message) as caught:
        compare_baseline(path)
    assert caught.value.diagnostics[0].code == "bad-baseline"


def test_a_table_named_after_no_network_needs_one(tmp_path: Path) -> None:
    path = written(tmp_path / "costs.csv", "show", "lenet5")
    unknown = run("check", "--baseline", str(path), code=2).stderr
    assert unknown.startswith(f"error[unknown-network]: the table {path} is named after no network: `costs`")
    assert f"archcalc check NET --baseline {path}" in unknown
    assert "7 rows, all" in told("check", "lenet5", "--baseline", str(path))
    assert run("check", "--baseline", str(tmp_path / "none.csv"), code=2).stderr.startswith("error[no-such-file]")


def test_a_baseline_of_before_the_column_status_is_read(tmp_path: Path) -> None:
    """`state` held `counted`, `zero` or `unknown` until it became what a step keeps."""
    path = tmp_path / "lenet5.csv"
    text = data.layers_csv(analyze("lenet5"))
    header, _, rest = text.partition("\n")
    names = header.split(",")
    kept = [index for index, name in enumerate(names) if name not in ("state", "state_once", "state_bytes")]
    lines = [",".join("state" if names[index] == "status" else names[index] for index in kept)]
    cells = list(csv.reader(io.StringIO(rest)))
    lines += [",".join(f'"{row[index]}"' for index in kept) for row in cells]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert compare_baseline(path).deviations == ()
