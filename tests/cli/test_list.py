from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from archcalc.cli.completion import complete_network
from archcalc.source import Source
from archcalc.spec import library
from archcalc.spec.model import Spec
from archcalc.spec.read import read_spec
from tests.cli.running import NET, run

SHARED = pytest.mark.usefixtures("shared_library")


@SHARED
def test_networks_stand_family_by_family() -> None:
    lines = run("list", columns=160).stdout.splitlines()
    assert lines[0].split() == ["network", "input", "params", "MACs", "layers", "depth", "field", "local", "field"]
    family = lines.index("VGG, 2014, ImageNet")
    assert lines[family + 1].split()[:2] == ["vgg11", "3x224x224"]
    assert any(line.split()[:6] == ["googlenet", "3x224x224", "6.999", "M", "1.583", "G"] for line in lines)
    assert all(len(line) <= 80 for line in run("list", columns=80).stdout.splitlines())


@SHARED
def test_networks_stand_by_year_or_task() -> None:
    years = [line for line in run("list", "--by", "year").stdout.splitlines() if line[:4].isdecimal()]
    assert years == sorted(years)
    assert {"1998", "2012", "2014", "2015"} <= set(years)
    lines = run("list", "--by", "task").stdout.splitlines()
    assert lines.index("ImageNet") < lines.index("segmentation")
    assert any(line.startswith("enet ") for line in lines[lines.index("segmentation") :])
    assert "is not one of family, year, task" in run("list", "--by", "size", code=2).stderr


@SHARED
def test_networks_of_one_file_are_for_several_tasks() -> None:
    """ResNet's section 4.2 is about CIFAR-10, as are DenseNet's C10 and WRN-28-10; FractalNet's about CIFAR-100."""
    rows = csv.DictReader(io.StringIO(run("list", "--format", "csv").stdout))
    tasks = {row["name"]: (row["task"], row["input"]) for row in rows}
    expected = {
        "resnet50": "ImageNet",
        "resnet50@torchvision": "ImageNet",
        "resnet20": "CIFAR-10",
        "resnet110@option-b": "CIFAR-10",
        "densenet121": "ImageNet",
        "densenet40_k12": "CIFAR-10",
        "fractalnet20": "CIFAR-100",
        "fractalnet34": "ImageNet",
        "nin-cifar10@maxpool": "CIFAR-10",
        "wide_resnet28_10": "CIFAR-10",
    }
    assert {name: tasks[name][0] for name in expected} == expected
    assert not [name for name, (task, given) in tasks.items() if given == "3x32x32" and not task.startswith("CIFAR")]
    assert all(task and "," not in task for task, _ in tasks.values())
    assert "ResNet and the plain nets, 2015, ImageNet, CIFAR-10" in run("list", columns=100).stdout.splitlines()


@SHARED
def test_a_group_is_sorted_and_cut_by_itself() -> None:
    lines = run("list", "--by", "year", "--sort", "macs", "--top", "1", columns=100).stdout.splitlines()
    at = lines.index("2014")
    assert lines[at + 1].startswith("fcn_8s ")  # of 500x500, where vgg19 has 224x224
    assert lines[at + 2].isdecimal()


@SHARED
def test_tasks_sort_and_csv_has_what_groups_a_list() -> None:
    rows = list(csv.DictReader(io.StringIO(run("list", "--sort", "task", "--format", "csv").stdout)))
    tasks = [row["task"] for row in rows]
    assert tasks == sorted(tasks, key=str.lower)
    (row,) = [row for row in rows if row["name"] == "vgg16"]
    assert (row["family"], row["year"], row["task"]) == ("VGG", "2014", "ImageNet")


@SHARED
def test_sorted_by_a_column_families_are_mixed() -> None:
    rows = list(csv.DictReader(io.StringIO(run("list", "--sort", "macs", "--format", "csv").stdout)))
    macs = [int(row["macs"]) for row in rows]
    assert macs == sorted(macs, reverse=True)
    by_name = list(csv.DictReader(io.StringIO(run("list", "--sort", "name", "--format", "csv").stdout)))
    assert by_name[0]["name"] == "albert_base"


@SHARED
def test_top_keeps_the_first() -> None:
    rows = list(csv.DictReader(io.StringIO(run("list", "--top", "2", "--format", "csv").stdout)))
    macs = [int(row["macs"]) for row in csv.DictReader(io.StringIO(run("list", "--format", "csv").stdout))]
    assert [int(row["macs"]) for row in rows] == sorted(macs, reverse=True)[:2]


@SHARED
def test_json_has_totals() -> None:
    found = json.loads(run("list", "--format", "json").stdout)
    (lenet,) = [network for network in found["networks"] if network["name"] == "lenet5"]
    assert lenet["totals"]["params"] == 60_000
    assert lenet["totals"]["connections"] == 340_908
    assert lenet["input"] == [1, 32, 32]


@SHARED
def test_markdown() -> None:
    assert "| lenet5 | 1x32x32 | 60,000 |" in run("list", "--format", "markdown").stdout


def test_a_broken_file_does_not_break_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.yaml").write_text(NET, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(NET.replace("maxpool", "macspool"), encoding="utf-8")
    for module in (library, __import__("archcalc.engine.library", fromlist=["x"])):
        monkeypatch.setattr(module, "specs_folder", lambda: tmp_path)
    found = run("list")
    assert "tiny@wide" in found.stdout
    assert "left out: specs/bad.yaml has" in found.stderr
    assert "archcalc validate specs/bad.yaml" in found.stderr


@pytest.fixture
def files_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are parsed from here on."""
    found: list[str] = []

    def note(source: Source, is_known_good: bool = False) -> Spec:
        found.append(f"{source.name}{'' if is_known_good else ' in full'}")
        return read_spec(source, is_known_good)

    monkeypatch.setattr(library, "read_spec", note)
    library._read_version.cache_clear()
    return found


def test_one_network_is_found_by_parsing_one_file(files_read: list[str]) -> None:
    assert library.find("VGG16").name == "vgg16"
    run("show", "googlenet@naive")
    assert files_read == ["specs/vgg.yaml", "specs/googlenet.yaml"]


def test_completion_and_wrong_names_parse_nothing(files_read: list[str]) -> None:
    assert "resnet50" in complete_network("resnet5")
    run("show", "resnet51", code=2)
    assert files_read == []


def test_a_list_parses_each_file_once_and_none_in_full(files_read: list[str]) -> None:
    run("list")
    assert len(files_read) == len(set(files_read)) == len(list(library.specs_folder().glob("*.yaml")))
    assert not [name for name in files_read if name.endswith(" in full")]


@SHARED
def test_an_unknown_column_is_an_error() -> None:
    assert "did you mean `macs`?" in run("list", "--sort", "mac", code=2).stderr
