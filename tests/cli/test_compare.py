from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import archcalc
from tests.cli.running import run, spec


def sentences(found: str) -> str:
    return " ".join(found.partition("\n\n                 ")[0].split())


def test_the_first_sentence_is_the_verdict() -> None:
    found = run("compare", "googlenet", "vgg16").stdout
    assert found.splitlines()[0] == "googlenet needs 9.8x fewer MACs and 19.8x fewer params than vgg16."


def test_the_cheaper_one_is_the_subject_whatever_the_order() -> None:
    found = run("compare", "vgg16", "googlenet").stdout
    assert found.splitlines()[0] == "googlenet needs 9.8x fewer MACs and 19.8x fewer params than vgg16."


def test_where_and_why() -> None:
    found = sentences(run("compare", "googlenet", "vgg16").stdout)
    assert "60% on maps of 56x56 and 28x28, all in conv 3x3." in found
    assert "Its conv 3x3 layers give 11.9x as many outputs, each from 1.34x as many inputs." in found
    assert "The extra 131.4 M params of vgg16: 93% in linear." in found


@pytest.mark.parametrize(
    ("networks", "sentence"),
    [
        (
            ("resnet50", "resnet50@torchvision"),
            "resnet50 needs 1.06x fewer MACs than resnet50@torchvision, and the same params.",
        ),
        (("vgg16", "vgg16"), "vgg16 (1) and vgg16 (2) need the same MACs and the same params."),
        (("alexnet", "resnet18"), "alexnet needs 2.5x fewer MACs but 5.2x more params than resnet18."),
    ],
)
def test_sentences(networks: tuple[str, str], sentence: str) -> None:
    assert run("compare", *networks).stdout.splitlines()[0] == sentence


def test_nothing_is_no_ratio(tmp_path: Path) -> None:
    path = spec(tmp_path, "network: zero\ninput: image(3, 8, 8)\nlayers: {r: relu}\n")
    found = run("compare", "lenet5", path).stdout
    assert found.splitlines()[0] == "zero needs 0 MACs and 0 params, lenet5 325.7 K MACs and 60,000 params."


def test_totals_side_by_side() -> None:
    lines = run("compare", "googlenet", "vgg16", columns=80).stdout.splitlines()
    assert all(len(line) <= 80 for line in lines)
    rows = {line[:19].strip(): line[19:].split() for line in lines}
    assert rows["MACs"] == ["1.583", "G", "15.47", "G", "9.77x"]
    assert rows["depth"] == ["22", "16", "0.73x"]
    assert rows["depth with pooling"][0] == "27"
    assert rows["size at fp32"] == ["26.70", "MiB", "527.8", "MiB", "19.8x"]
    assert rows["input"] == ["3x224x224", "3x224x224"]


def test_map_sizes_are_comparable() -> None:
    lines = run("compare", "googlenet", "vgg16", columns=100).stdout.splitlines()
    sizes = [
        line.split()[0] for line in lines if line.split()[:1] and line.split()[0].count("x") == 1 and line[0].isdigit()
    ]
    assert sizes == ["224x224", "112x112", "56x56", "28x28", "14x14", "7x7", "1x1"]
    (first,) = [line for line in lines if line.startswith("224x224")]
    assert first.split()[1:3] == ["-", "-"]


def test_three_networks_stand_side_by_side_and_four_below_each_other() -> None:
    three = run("compare", "alexnet", "vgg16", "resnet50", columns=100).stdout
    assert "to first" in three
    assert "alexnet needs the fewest MACs (724.4 M), vgg16 the most (15.47 G, 21.4x as many)." in three.replace(
        "\n", " "
    )
    four = run("compare", "alexnet", "vgg16", "resnet50", "lenet5", columns=80).stdout
    assert "MACs by map size" in four
    (row,) = [line for line in four.splitlines() if line.startswith("resnet50 ") and "3.858 G" in line]
    assert "5.33x" in row


def test_the_largest_divisions_stay_where_there_is_no_room() -> None:
    found = run("compare", "alexnet", "vgg16", "googlenet", "resnet18", "resnet50", columns=80).stdout
    lines = found.splitlines()
    by_kind = lines[lines.index("MACs by kind of operation") + 2]
    assert by_kind.startswith("network    conv 3x3  conv 1x1 ")  # 15.35 G of vgg16, 1.888 G of resnet50
    assert "conv 11x11" not in by_kind  # 105.4 M of alexnet
    by_size = lines[lines.index("MACs by map size") + 2]
    assert {"56x56", "28x28", "112x112"} <= set(by_size.split())


def test_csv_has_a_row_of_totals_for_each() -> None:
    rows = list(csv.DictReader(io.StringIO(run("compare", "googlenet", "vgg16", "--format", "csv").stdout)))
    assert [(row["name"], int(row["macs"])) for row in rows] == [
        ("googlenet", 1_582_671_872),
        ("vgg16", 15_470_264_320),
    ]


def test_json_has_the_one_shape() -> None:
    found = json.loads(run("compare", "googlenet", "vgg16", "--format", "json").stdout)
    assert [network["name"] for network in found["networks"]] == ["googlenet", "vgg16"]
    assert found["networks"][0]["layers"][0]["macs"] == 118_013_952


def test_markdown() -> None:
    found = run("compare", "googlenet", "vgg16", "--format", "markdown").stdout
    assert "## MACs and params by map size" in found
    assert "| conv 3x3 | 962.8 M | 3.104 M | 15.35 G | 14.71 M |" in found


def test_stages_and_parts_of_them() -> None:
    found = run("compare", "googlenet", "resnet50", "--depth", "2", "--top", "3", columns=100).stdout
    assert "Parts of resnet50" in found
    assert " others" in found


def test_different_inputs_are_said() -> None:
    assert "inputs differ: 3x227x227, 3x224x224" in run("compare", "alexnet", "vgg16").stdout


def test_heads_raise_the_count() -> None:
    (network, _) = json.loads(run("compare", "googlenet", "vgg16", "--with-heads", "--format", "json").stdout)[
        "networks"
    ]
    assert network["totals"]["params"] == 13_378_280


def test_all_unknown_names_are_told_at_once() -> None:
    found = run("compare", "gogglenet", "vgg61", "resnet50", code=2)
    assert found.stdout == ""
    assert "no network is called `gogglenet`" in found.stderr
    assert "no network is called `vgg61`" in found.stderr
    assert "`googlenet`" in found.stderr


def test_one_network_is_too_few() -> None:
    assert "compare needs two networks or more" in run("compare", "vgg16", code=2).stderr


def test_a_file_against_a_name(tmp_path: Path) -> None:
    found = run("compare", spec(tmp_path), "lenet5").stdout
    assert found.startswith("tiny needs")


def test_a_setting_must_fit_all(tmp_path: Path) -> None:
    found = run("compare", spec(tmp_path), "alexnet", "--set", "width=8", code=2)
    assert "alexnet has no variable `width`" in found.stderr


def table_of(text: str, heading: str) -> list[list[str]]:
    """The rows of one table, split at blanks, without the bars."""
    lines = text.split(f"{heading}\n\n")[1].partition("\n\n")[0].splitlines()[2:]
    return [line.rstrip("█▉▊▋▌▍▎▏ ").split() for line in lines]


def test_rows_of_each_network_are_chosen() -> None:
    """LeCun et al. 1998, section II.B: 156, 1,516 and 48,120 of convolutions, 12 and 32 of subsampling, 10,164."""
    by_type = run("compare", "lenet5", "lenet5@full", "--by", "type", "--units", "raw").stdout
    assert [row[:2] for row in table_of(by_type, "Types of operation of lenet5")] == [
        ["conv", "49,792"],
        ["linear", "10,164"],
        ["subsample", "44"],
    ]
    by_layer = run("compare", "lenet5", "lenet5@full", "--by", "layer", "--sort", "params", "--top", "3").stdout
    rows = table_of(by_layer, "Layers of lenet5")
    assert [row[0] for row in rows] == ["C5", "F6", "C3", "3"]
    assert rows[-1][:3] == ["3", "others", "200"]  # C1, S2 and S4: 156 + 12 + 32
    named = run("compare", "lenet5", "lenet5@full", "--sort", "name").stdout
    assert [row[0] for row in table_of(named, "Stages of lenet5")] == ["C1", "C3", "C5", "F6", "S2", "S4"]
    assert "has none to cut" in run("compare", "lenet5", "alexnet", "--by", "stage", "--depth", "2", code=2).stderr
    assert "no column is called `mac`" in run("compare", "lenet5", "alexnet", "--sort", "mac", code=2).stderr


def test_others_hold_what_the_columns_held_that_are_left_out() -> None:
    """Each row of a division adds up to the network's total, however few columns there is room for."""
    names = ["alexnet", "vgg16", "googlenet", "resnet50"]
    totals = [archcalc.analyze(name).totals.params for name in names]
    for columns in (None, 120, 80, 60):
        found = run("compare", *names, "--units", "raw", columns=columns).stdout
        _, _, division = found.partition("params by kind of operation\n")
        lines = division.splitlines()
        rows = {line.split()[0]: line.split()[1:] for line in lines[1:8] if line.split()[:1]}
        for name, total in zip(names, totals, strict=True):
            cells = [0 if cell == "-" else int(cell.replace(",", "")) for cell in rows[name]]
            assert sum(cells) == total, (columns, name)
