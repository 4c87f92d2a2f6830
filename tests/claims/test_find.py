"""Networks found by cost, task and published accuracy, held against the plain list and torchvision's documentation."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from archcalc.claims.find import COLUMNS, accuracies, find
from archcalc.engine.network import analyze
from archcalc.results.cost import NetworkCost
from archcalc.source import SpecError
from tests.cli.running import MYSTERY, NET, spec
from tests.library import families

pytestmark = pytest.mark.usefixtures("shared_library")
ALL = [cost for members in families()[0] for cost in members]


def names(costs: list[NetworkCost]) -> list[str]:
    return [cost.name for cost in costs]


def test_all_conditions_hold_of_what_is_found_and_not_of_the_rest() -> None:
    found = find(where=["macs < 600M", "params <= 6M"])
    assert found.names == names([cost for cost in ALL if cost.totals.macs < 600e6 and cost.totals.params <= 6e6])
    assert {"mobilenet_v2", "squeezenet1_1", "resnet20"} <= set(found.names)
    assert "squeezenet1_0" not in found.names  # 0.819 G
    assert found.of == len(ALL)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("size_bytes <= 5MiB", lambda cost: cost.totals.size_bytes <= 5 * 1024**2),
        ("depth == 50", lambda cost: cost.totals.depth == 50),
        ("year != 2015", lambda cost: cost.year != 2015),
        ("resolution > 300", lambda cost: max(cost.input.spatial) > 300),
        ("task != ImageNet", lambda cost: cost.task != "ImageNet"),
        ("family == vgg", lambda cost: cost.title == "VGG"),
        ("peak_activations<1M", lambda cost: cost.totals.peak_activations < 10**6),
    ],
)
def test_every_kind_of_column_may_be_compared(condition: str, holds: object) -> None:
    assert callable(holds)
    expected = names([cost for cost in ALL if holds(cost)])
    assert expected
    assert find(where=condition).names == expected


def test_a_convention_of_another_tool_may_be_compared() -> None:
    """fvcore prints 4,111,512,576 for torchvision's ResNet-50."""
    assert "resnet50@torchvision" in find(where="flops_fvcore == 4111512576").names


def test_a_task_is_meant_whole_or_by_its_beginning() -> None:
    assert find(task="imagenet").names == names([cost for cost in ALL if cost.task == "ImageNet"])
    assert find(task="cifar").names == names([cost for cost in ALL if cost.task.startswith("CIFAR-")])
    assert find(task="CIFAR-10").names == names([cost for cost in ALL if cost.task == "CIFAR-10"])
    with pytest.raises(SpecError, match="no network is for the task `Imagnet`") as error:
        find(task="Imagnet")
    assert error.value.diagnostics[0].help == "did you mean `ImageNet`?"


def test_nothing_beats_what_is_on_the_front() -> None:
    costs = [(cost.totals.macs, cost.totals.params, cost.name) for cost in ALL]
    front = {
        name
        for macs, params, name in costs
        if not any(m <= macs and p <= params and (m, p) != (macs, params) for m, p, _ in costs)
    }
    found = find(pareto="macs,params")
    assert set(found.names) == front
    macs = [row.cost.totals.macs for row in found.networks]
    assert macs == sorted(macs)


def test_sorted_as_a_sweep_is_largest_first_unless_there_is_a_minus() -> None:
    largest = [row.cost.totals.macs for row in find(sort="macs", top=3).networks]
    assert largest == sorted((cost.totals.macs for cost in ALL), reverse=True)[:3]
    smallest = [row.cost.totals.macs for row in find(sort="-macs", top=3).networks]
    assert smallest == sorted(cost.totals.macs for cost in ALL)[:3]
    by_name = find(sort="name").names
    assert by_name == sorted(by_name, key=lambda name: name.lower().replace("-", "_"))
    assert find(top=1).names == [max(ALL, key=lambda cost: cost.totals.macs).name]


def test_accuracies_are_those_of_torchvisions_documentation() -> None:
    """Table of all available classification weights: acc@1, acc@5."""
    found = {row.name: row for row in find(with_accuracy=True).networks}
    documented = {
        "alexnet@torchvision": ("56.522", "79.066"),
        "resnet50@torchvision": ("80.858", "95.434"),
        "vgg16@bn": ("73.36", "91.516"),
        "efficientnet_b0": ("77.692", "93.532"),
        "squeezenet1_1": ("58.178", "80.624"),
    }
    for name, (top1, top5) in documented.items():
        accuracy = found[name].accuracy
        assert accuracy is not None
        assert (accuracy.top1, accuracy.top5) == (Fraction(top1), Fraction(top5))
        assert accuracy.printed == (f"top1 {top1}", f"top5 {top5}")
    assert [each.top1 for each in found["resnet50@torchvision"].accuracies] == [Fraction("80.858"), Fraction("76.13")]
    assert found["resnet50"].accuracy is None  # the paper's network is another one


def test_an_accuracy_counts_at_the_input_that_it_was_measured_with_alone() -> None:
    """torchvision measures EfficientNet-B2 at 288 pixels; the spec's 260 are the paper's."""
    (published,) = accuracies()["efficientnet_b2"]
    assert (published.top1, published.input) == (Fraction("80.608"), (3, 288, 288))
    (found,) = find(where="name == efficientnet_b2", with_accuracy=True).networks
    assert found.accuracy is None
    assert max(found.cost.input.spatial) == 260


def test_networks_without_an_accuracy_are_left_out_of_conditions_on_it_and_counted() -> None:
    found = find(where="top1 >= 84", sort="-top1")
    assert found.names[0] == "efficientnet_b6"  # 84.008
    assert "convnext_tiny" not in found.names  # 82.52
    assert found.unknown == {
        "top1": len(ALL) - sum(row.accuracy is not None for row in find(with_accuracy=True).networks)
    }
    front = find(pareto="macs,-top1")
    assert "mobilenet_v3_small" in front.names  # 56.51 M, 67.668
    assert "vgg16" not in front.names  # 15.47 G, 71.592


def test_a_lower_bound_meets_no_condition(tmp_path: Path) -> None:
    spec(tmp_path)
    spec(tmp_path, MYSTERY, "mystery.yaml")
    found = find(str(tmp_path), where="macs < 1G")
    assert [row.cost.name for row in found.networks] == ["tiny", "tiny@wide"]
    assert found.unknown == {"macs": 1}


def test_a_folder_of_specs_is_looked_through(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".hidden").mkdir()
    spec(tmp_path / "deep", NET)
    spec(tmp_path / ".hidden", NET)
    spec(tmp_path, "title: notes\n", "notes.yaml")
    spec(tmp_path, NET.replace("maxpool", "macspool"), "bad.yaml")
    found = find(str(tmp_path), where="params < 1K")
    file = str(tmp_path / "deep" / "tiny.yaml")
    assert found.names == [f"{file}:tiny"]
    assert found["tiny"].totals.params == analyze(f"{file}:tiny").totals.params
    assert [name for name, _ in found.broken] == [str(tmp_path / "bad.yaml")]
    with pytest.raises(SpecError, match="there is no file or folder"):
        find(str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SpecError, match="there is no spec in"):
        find(str(tmp_path / "empty"))


def test_who_comes_nearest_is_said_where_nothing_is_found() -> None:
    least = min(ALL, key=lambda cost: cost.totals.macs)
    assert find(where="macs < 10").nearest == ("macs", least.name, least.totals.macs)


@pytest.mark.parametrize(
    ("arguments", "message", "help"),
    [
        ({"where": "mac < 600M"}, "networks have no column `mac`", "did you mean `macs`?"),
        ({"where": "flops < 6G"}, "networks have no column `flops`", "say whose: flops_arithmetic"),
        ({"where": "accuracy > 70"}, "networks have no column `accuracy`", "top1 or top5"),
        ({"where": "macs"}, "`macs` is no condition", "a condition is macs < 600M"),
        ({"where": "macs < +2%"}, "`macs < \\+2%` is no condition: it is about a change", "macs < 600M"),
        ({"where": "macs < many"}, "`many` is no amount of macs", "a number with K, M, G or T"),
        ({"where": "top1 > 700"}, "`700` is no part in percent", "top1 > 75.5"),
        ({"where": "task < ImageNet"}, "task is no number", "task == ImageNet"),
        ({"where": "year > old"}, "`old` is no number", "year > 224"),
        ({"pareto": "macs,task"}, "task is no number, so that none of its values is better", ""),
        ({"sort": "parms"}, "networks have no column `parms`", "did you mean `params`?"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: dict[str, str], message: str, help: str) -> None:
    with pytest.raises(SpecError, match=message) as error:
        find(**arguments)  # type: ignore[arg-type]
    assert help in (error.value.diagnostics[0].help or "")


def test_the_columns_are_each_of_their_own() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS)
