"""The command: formats that hold the same, files that are whole, runs that go on."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.cli.progress import lines, pace
from archcalc.engine.sweep.chunk import Runner
from archcalc.engine.sweep.expansion import Expansion
from archcalc.engine.sweep.plan import make_plan
from archcalc.engine.sweep.run import collected
from tests.cli.running import MYSTERY, NET, run, spec

OVER = ("--over", "resolution=16:64:16", "--over", "width=0.25:1:0.25")
FOUR_CHUNKS = 4


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.engine.sweep.plan.CHUNK", 4)


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def as_texts(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{name: str(value) for name, value in row.items()} for row in rows]


def test_the_table_and_what_is_said_with_it() -> None:
    found = run("sweep", "resnet18", "--over", "resolution=32,64", "--over", "depth=[2,2,2,2];[1,1,1,1]", columns=200)
    lines = found.stdout.splitlines()
    assert lines[0] == "resnet18: 4 configurations"
    assert lines[2].split()[:3] == ["resolution", "depth", "params"]
    assert lines[4].split()[:4] == ["32", "[2,2,2,2]", "11.69", "M"]
    assert "4 configurations computed; exact in 64 bits; checked 4 of 4 structures against the exact" in found.stdout
    assert found.stderr == "resnet18: depth decides the structure; each part of it is expanded once\n"


def test_a_narrow_table_says_what_is_left_out() -> None:
    found = run("sweep", "resnet18", *OVER, columns=80).stdout
    assert "left out at 80 columns" in found
    assert all(len(line) <= 80 for line in found.splitlines())


SQUARES = ("sweep", "resnet50@torchvision", "--over", "resolution=64:256:64", "--set", "classes=1")  # MACs: n^2


def bars(text: str) -> list[int]:
    """Lengths of the bars of a table, in characters."""
    return [line.count("█") for line in text.splitlines() if "█" in line]


def test_bars_are_as_long_as_the_macs() -> None:
    found = run(*SQUARES, "--quantity", "params,macs,neurons").stdout
    assert bars(found) == [1, 4, 9, 16]
    assert len(re.findall(r" [MG]  █+ +\d\S* [KM]$", found, re.MULTILINE)) == 4  # between MACs and neurons
    assert "left out" not in found
    largest_first = run(*SQUARES, "--quantity", "params,macs", "--sort", "macs", "--top", "2").stdout
    assert bars(largest_first) == [16, 9]


def test_bars_without_macs_are_of_the_first_quantity() -> None:
    assert bars(run(*SQUARES, "--quantity", "neurons,params").stdout) == [1, 4, 9, 16]
    assert bars(run(*SQUARES, "--quantity", "params,neurons").stdout) == [16, 16, 16, 16]


def test_bars_stay_longer_than_columns_that_may_go() -> None:
    found = run(*SQUARES, columns=80).stdout
    assert bars(found) == [3, 6, 12]  # and less than one before
    assert "left out at 80 columns: weights, biases" in found
    narrow = run(*SQUARES, columns=34).stdout
    assert bars(narrow) == []
    assert "params     macs\n" in narrow


def test_a_table_for_latex(tmp_path: Path) -> None:
    found = run(*SQUARES, "--quantity", "params,macs", "--format", "latex").stdout
    assert r"\begin{tabular}{rrr}" in found
    assert "256 & 23.51 M & 5.338 G \\\\\n" in found
    path = tmp_path / "sweep.tex"
    run(*SQUARES, "--quantity", "params,macs", "-o", str(path))
    assert path.read_text() == found


@pytest.mark.parametrize("format", ["markdown", "csv", "json", "latex"])
def test_bars_are_for_the_eye_alone(format: str) -> None:
    found = run(*SQUARES, "--quantity", "params,macs", "--format", format).stdout
    assert "█" not in found
    if format == "markdown":
        assert "| resolution | params | macs |\n" in found


def test_a_long_table_shows_the_first_rows() -> None:
    found = run("sweep", "resnet18", "--over", "resolution=32:131", columns=200).stdout
    assert "the first 40 of 100 rows" in found
    assert len(found.splitlines()) < 50


def test_configurations_that_are_no_network_are_counted_and_told() -> None:
    found = run("sweep", "vgg16", "--over", "resolution=8:64:8", columns=200).stdout
    assert "8 configurations computed; no network: 3" in found
    assert "window-larger-than-input in 3, first at resolution=8: maxpool: a window of 2 does not fit" in found
    none = run("sweep", "vgg16", "--over", "resolution=1:8", code=1, columns=200)
    assert "no network: 8" in none.stdout


def test_formats_hold_the_same(tmp_path: Path) -> None:
    rows = csv_rows(run("sweep", "resnet18", "vgg11", *OVER, "--format", "csv").stdout)
    columns = archcalc.sweep(["resnet18", "vgg11"], {"resolution": "16:64:16", "width": "0.25:1:0.25"}).columns
    expected = [
        dict(zip(columns, row, strict=True)) for row in zip(*(of.tolist() for of in columns.values()), strict=True)
    ]
    assert rows == as_texts(expected)
    found = json.loads(run("sweep", "resnet18", "vgg11", *OVER, "--format", "json").stdout)
    assert found["rows"] == expected
    assert found["computed"] == 32
    assert found["left_out"][0]["network"] == "vgg11"
    assert found["left_out"][0]["points"] == 4
    for ending in ("csv", "json", "md"):
        path = tmp_path / f"out.{ending}"
        run("sweep", "resnet18", "vgg11", *OVER, "-o", str(path))
        assert path.exists()
    assert csv_rows((tmp_path / "out.csv").read_text()) == rows
    assert json.loads((tmp_path / "out.json").read_text()) == found
    assert (tmp_path / "out.md").read_text().count("\n| resnet18 |") == 16


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "out.parquet"
    run("sweep", "resnet18", "vgg11", *OVER, "-o", str(path))
    rows = csv_rows(run("sweep", "resnet18", "vgg11", *OVER, "--format", "csv").stdout)
    table = parquet.read_table(path)
    assert as_texts(table.to_pylist()) == rows
    assert str(table.schema.field("macs").type) == "int64"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.parquet"]


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
@pytest.mark.usefixtures("small_chunks")
def test_numbers_past_64_bits_in_files(ending: str, tmp_path: Path) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"out.{ending}"
    over = ("--over", "resolution=32:96:32", "--over", "batch=1,1000000000000000")
    run("sweep", "resnet50@torchvision", *over, "--quantity", "params,macs", "-o", str(path))
    expected = [(83_410_944 * n**2 + 2_048_000) * batch for n in (1, 2, 3) for batch in (1, 10**15)]
    assert macs_in(path) == expected


def macs_in(path: Path) -> list[int]:
    if path.suffix == ".csv":
        return [int(row["macs"]) for row in csv_rows(path.read_text())]
    if path.suffix == ".json":
        found: list[int] = [row["macs"] for row in json.loads(path.read_text())["rows"]]
        return found
    import pyarrow.parquet as pq

    return [int(str(value)) for value in pq.read_table(path).column("macs").to_pylist()]


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
@pytest.mark.usefixtures("small_chunks")
def test_an_interrupted_run_goes_on(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    path, other = tmp_path / f"out.{ending}", tmp_path / f"other.{ending}"
    run("sweep", "vgg11", *OVER, "-o", str(other))
    ran: list[int] = []
    right = Runner.run

    def stops(self: Runner, number: int) -> Any:
        if number == 2 and 2 not in ran:
            ran.append(number)
            raise KeyboardInterrupt
        ran.append(number)
        return right(self, number)

    monkeypatch.setattr(Runner, "run", stops)
    found = run("sweep", "vgg11", *OVER, "-o", str(path), code=130)
    assert "the same command goes on from there" in found.stderr
    assert not path.exists()
    assert len(list(tmp_path.glob(f".out.{ending}.parts/*/*"))) == 2
    again = run("sweep", "vgg11", *OVER, "-o", str(path))
    assert f"going on: 2 of {FOUR_CHUNKS} parts are there" in again.stderr
    assert ran == [0, 1, 2, 2, 3]  # what was there is not computed again
    assert path.read_bytes() == other.read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([path.name, other.name])


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("format", ["csv", "json"])
def test_parts_on_the_way_to_stdout(format: str, tmp_path: Path) -> None:
    path = tmp_path / f"out.{format}"
    run("sweep", "vgg11", *OVER, "-o", str(path))
    assert run("sweep", "vgg11", *OVER, "--format", format).stdout == path.read_text()


def test_a_table_holds_the_first_rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.engine.sweep.plan.CHUNK", 16)
    monkeypatch.setattr("archcalc.cli.sweep.MOST_SHOWN", 40)
    plan = make_plan("resnet18", {"resolution": "32:132"})
    assert sum(map(len, (piece["macs"] for piece in collected(plan, most=40).pieces()))) == 48
    found = run("sweep", "resnet18", "--over", "resolution=32:132", columns=200).stdout
    assert "the first 40 of 101 rows" in found
    assert found.count("11.69 M") == 40
    best = run("sweep", "resnet18", "--over", "resolution=32:132", "--sort", "macs", columns=200).stdout
    assert best.splitlines()[4].split()[0] == "131"  # costs what 132 costs, and stands before it


@pytest.mark.usefixtures("small_chunks")
def test_parts_of_another_sweep_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.csv"
    right = Runner.run

    def stops(self: Runner, number: int) -> Any:
        if number == 2:
            raise KeyboardInterrupt
        return right(self, number)

    monkeypatch.setattr(Runner, "run", stops)
    run("sweep", "resnet18", *OVER, "-o", str(path), code=130)
    monkeypatch.setattr(Runner, "run", right)
    of_its_size = ("--over", "resolution=32:80:16", "--over", "width=0.25:1:0.25")
    for more in (["--set", "classes=10"], ["--dtype", "fp16"], ["--with-heads"], ["--batch", "2"], of_its_size):
        over = () if more is of_its_size else OVER
        found = run("sweep", "resnet18", *over, "-o", str(tmp_path / "out.csv"), *more)
        assert "going on" not in found.stderr
    whole = run("sweep", "resnet18", *OVER, "--format", "csv").stdout
    assert "going on: 2 of 4" in run("sweep", "resnet18", *OVER, "-o", str(path)).stderr
    assert path.read_text() == whole
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.usefixtures("small_chunks")
def test_chosen_rows_of_parts(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    options = ("--pareto", "macs,-resolution,-width", "--where", "width != 1/2", "--top", "5")
    run("sweep", "resnet18", *OVER, *options, "-o", str(path))
    expected = archcalc.sweep(
        "resnet18",
        {"resolution": "16:64:16", "width": "0.25:1:0.25"},
        pareto="macs,-resolution,-width",
        where=["width != 1/2"],
        top=5,
    )
    assert [row["macs"] for row in json.loads(path.read_text())["rows"]] == expected.columns["macs"].tolist()
    assert len(expected) == 5


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--over", "resolution=1:x"], "bad-axis"),
        (["--over", "resoluton=1:3"], "unknown-variable"),
        ([], "no-axes"),
        ([*OVER, "--over", "width=2"], "bad-axis"),
        ([*OVER, "--where", "macs <"], "bad-condition"),
        ([*OVER, "--pareto", "mac"], "unknown-column"),
        ([*OVER, "--quantity", "flops"], "unknown-quantity"),
        ([*OVER, "--format", "parquet"], "bad-option"),
        ([*OVER, "--batch", "0"], "bad-batch"),
        ([*OVER, "-o", "/nowhere/out.csv"], "cannot-write"),
    ],
)
def test_mistakes(arguments: list[str], code: str) -> None:
    if "parquet" in arguments:
        pytest.importorskip("pyarrow")
    found = run("sweep", "resnet18", *arguments, code=2)
    assert f"error[{code}]" in found.stderr
    assert found.stdout == ""


@pytest.mark.parametrize(
    ("condition", "help"),
    [
        ("resolutoin < 3", "did you mean `resolution`?"),
        ("mac < 3", "did you mean `macs`?"),
        ("macs 3", "a condition is macs < 600M, or resolution >= 128"),
        ("macs <", "a condition is macs < 600M, or resolution >= 128"),
        ("macs < many", "a number with K, M, G or T: 7M"),
        ("macs < -3", "macs < 600M"),
        ("flops < 3", "say whose: flops_arithmetic, flops_fvcore, ... (archcalc conventions)"),
        ("flops_fvcore < 3", "--quantity flops_fvcore,... computes it"),
    ],
)
def test_help_with_a_condition_is_about_this_sweep(condition: str, help: str) -> None:
    found = run("sweep", "resnet18", *OVER, "--where", condition, code=2)
    assert found.stderr.endswith(f"  = help: {help}\n")


def test_two_networks_of_one_name_are_refused(tmp_path: Path) -> None:
    first, second = spec(tmp_path, NET, "a.yaml"), spec(tmp_path, NET.replace("conv1", "conv"), "b.yaml")
    found = run("sweep", f"{first}:tiny", f"{second}:tiny", "--over", "size=8,16", code=2)
    assert "error[same-name]" in found.stderr
    assert run("sweep", f"{first}:tiny", f"{first}:tiny", "--over", "size=8,16").stdout.startswith("tiny: 2 conf")


@pytest.mark.usefixtures("small_chunks")
def test_parts_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".out.csv.parts").write_text("in the way")
    found = run("sweep", "resnet18", *OVER, "-o", str(tmp_path / "out.csv"), code=2)
    assert "error[cannot-write]" in found.stderr


def test_parquet_without_pyarrow_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archcalc.source.extra.find_spec", lambda name: None)
    found = run("sweep", "resnet18", *OVER, "-o", str(tmp_path / "out.parquet"), code=3)
    assert "[cluster]'" in found.stderr


def test_an_unknown_cost_makes_rows_lower_bounds(tmp_path: Path) -> None:
    path = spec(tmp_path, MYSTERY.replace("image(3, 8, 8)", "image(3, size, size)\nvariables: {size: 8}"))
    found = run("sweep", path, "--over", "size=8:10", columns=200)
    assert "mystery: at least, for an operation of unknown cost is in it" in found.stdout
    known = run("sweep", path, spec(tmp_path, name="known.yaml"), "--over", "size=8:10", columns=200).stdout
    assert re.findall(r"(\w+): at least", known) == ["mystery"]
    strict = run("sweep", path, "--over", "size=8:10", "--strict", code=1)
    assert "error[unknown-cost]" in strict.stderr
    assert strict.stdout == ""


def test_a_mismatch_ends_with_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Expansion.costs

    def wrong(self: Expansion, *arguments: Any) -> Any:
        return {name: values * 2 for name, values in right(self, *arguments).items()}

    monkeypatch.setattr(Expansion, "costs", wrong)
    found = run("sweep", "resnet18", *OVER, code=1)
    assert "error[internal-mismatch]" in found.stderr
    assert "resnet18 at resolution=" in found.stderr
    assert found.stdout == ""


def test_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    path = tmp_path / "cost.svg"
    assert "drawn" in run("sweep", "resnet18", *OVER, "--plot", str(path)).stderr
    assert "resolution" in path.read_text()
    many = run("sweep", "resnet18", "--over", "resolution=1:6000", "--plot", str(path), code=2)
    assert "error[too-many-points]" in many.stderr


def test_networks_that_lack_a_variable_are_left_out_and_told(tmp_path: Path) -> None:
    """LeNet-5 has no width; the others are swept as they are alone."""
    arguments = ("--over", "width=1/2,1", "--quantity", "macs")
    found = run("sweep", "lenet5", "resnet18", "vgg11", *arguments, "--format", "csv")
    assert found.stdout == run("sweep", "resnet18", "vgg11", *arguments, "--format", "csv").stdout
    assert "lenet5 is left out: it has no variable width\n" in found.stderr
    table = run("sweep", "lenet5", "resnet18", *arguments)
    assert table.stdout.startswith("resnet18: 2 configurations")
    assert "- lenet5 is left out: it has no variable width\n" in table.stdout
    made = json.loads(run("sweep", "lenet5", "resnet18", *arguments, "--format", "json").stdout)
    assert (made["networks"], made["lacking"]) == (["resnet18"], {"lenet5": ["width"]})
    by_setting = run("sweep", "vgg11", "resnet18", *arguments, "--set", "block=basic")
    assert "vgg11 is left out: it has no variable block\n" in by_setting.stderr
    path = tmp_path / "out.csv"
    assert "lenet5 is left out" in run("sweep", "lenet5", "resnet18", *arguments, "-o", str(path)).stderr


def test_a_variable_that_no_network_has_is_a_mistake() -> None:
    found = run("sweep", "lenet5", "resnet18", "--over", "widht=1,2", code=2)
    assert "error[unknown-variable]: " in found.stderr
    found = run("sweep", "lenet5", "resnet18", "--over", "width=1", "--set", "nothing=1", code=2)
    assert "has no variable `nothing`" in found.stderr
    each = ("--over", "n=3", "--over", "conv10_padding=0")
    found = run("sweep", "resnet20", "squeezenet1_0", *each, code=2)
    assert (
        "no network has all of these variables: resnet20 has no conv10_padding; squeezenet1_0 has no n" in found.stderr
    )


def test_a_variable_that_is_0_is_swept_in_one_expansion(tmp_path: Path) -> None:
    """A cache of past positions: 64 (n + 2 past) MACs by hand, from past 0 on, and nothing is looped."""
    path = tmp_path / "z.yaml"
    path.write_text("network: z\ninput: sequence(8, n)\nvariables: {n: 4, past: 0}\nlayers: conv(8, 1, padding=past)\n")
    found = run("sweep", str(path), "--over", "past=0:99", "--over", "n=1:20", "--quantity", "macs", "--format", "csv")
    assert "looped" not in found.stderr
    rows = csv_rows(found.stdout)
    assert len(rows) == 100 * 20
    assert all(int(row["macs"]) == 64 * (int(row["n"]) + 2 * int(row["past"])) for row in rows)
    # it is 4, and free from 1 on
    assert "n decides the structure" in run("sweep", str(path), "--over", "n=0:5", code=0).stderr


def test_how_far_it_is_is_told_to_a_pipe_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 1.0, 61.0, 62.0, 130.0])
    tell = lines(1000, "configurations", lambda: next(times))
    tell(10, "sweep")
    assert capsys.readouterr().err == ""
    times = iter([61.0, 61.0])
    tell(122, "sweep")
    assert capsys.readouterr().err == "sweep: 122 of 1,000 configurations, 2.000 configurations/s, 7:19 left\n"


def test_the_pace_is_known_from_the_first_that_is_told() -> None:
    assert pace(500_000, 20_000_000, 1.0, "configurations") == "500.0 K configurations/s, 0:39 left"
    assert pace(1, 14_401, 0.5, "x") == "2.000 x/s, 2:00:00 left"
    assert pace(0, 10, 1.0, "x") == ""


def test_items_of_a_long_list_are_one_column_of_a_table() -> None:
    spec = str(Path(__file__).parent / "spaces" / "ofa_mobilenet_v3.yaml")
    over = ("--over", "depth[*]=2,3", "--over", "kernel[*]=3,5", "--quantity", "macs,depth")
    found = run("sweep", spec, *over, "--sample", "3", "--top", "2", columns=120)
    names, _, first, *_ = found.stdout.splitlines()[2:]
    assert names.split() == ["depth[0..4]", "kernel[0..19]", "macs", "depth"]
    assert [len(each.split(", ")) for each in re.split("  +", first)[:2]] == [5, 20]
    assert found.stderr == (
        "ofa_mobilenet_v3: depth[0] to depth[4] and kernel[0] to kernel[19] decide the structure; "
        "each part of it is expanded once\n"
    )
