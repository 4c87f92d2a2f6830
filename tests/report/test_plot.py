"""Pictures: their data are the counts, they are drawn without a network, and mistakes are said before any work."""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

import archcalc
from archcalc.source import extra
from tests.cli.running import run

pytest.importorskip("altair")
pytest.importorskip("vl_convert")

from archcalc.report.media.plot import MOST_ROWS, balls, cost_along, cost_by_layer, write_chart


def rows_of(chart: Any) -> list[dict[str, Any]]:
    """The values within a chart, those of all its panels."""
    return [row for panel in chart.get("hconcat", [chart]) for row in chart["datasets"][panel["data"]["name"]]]


def test_bars_are_the_counts_of_the_layers() -> None:
    cost = archcalc.analyze("lenet5")
    values = rows_of(cost_by_layer(cost, cost.layers).to_dict())
    macs = {value["layer"]: value["cost"] for value in values if value["quantity"] == "MACs"}
    assert macs == {"C1": 117_600, "S2": 0, "C3": 150_000, "S4": 0, "C5": 48_000, "F6": 10_080}
    stored = [value["cost"] for value in values if value["quantity"] == "parameters"]
    assert sum(stored) == 60_000


def test_a_deep_network_is_shown_by_blocks() -> None:
    cost = archcalc.analyze("resnet152")
    values = rows_of(cost_by_layer(cost, cost.layers).to_dict())
    layers = {value["layer"] for value in values}
    assert 10 < len(layers) <= MOST_ROWS
    assert sum(value["cost"] for value in values if value["quantity"] == "MACs") == cost.totals.macs
    assert sum(value["cost"] for value in values if value["quantity"] == "parameters") == cost.totals.params


def test_balls_are_the_totals() -> None:
    costs = [archcalc.analyze(name) for name in ("googlenet", "vgg16")]
    found = {row["network"]: (row["macs"], row["params"]) for row in rows_of(balls(costs).to_dict())}
    assert found == {"googlenet": (1_582_671_872, 6_998_552), "vgg16": (15_470_264_320, 138_357_544)}


def test_areas_of_balls_are_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "balls.svg"
    costs = [archcalc.analyze(name) for name in ("lenet5", "googlenet", "vgg16")]
    write_chart(balls(costs), path)
    circles = re.findall(r'weights, MiB: [^;]*; network: (\w+);[^>]* d="M([\d.]+),0A', path.read_text(encoding="utf-8"))
    radii = {name: float(radius) for name, radius in circles}
    assert set(radii) == {"lenet5", "googlenet", "vgg16"}
    for cost in costs:
        share = cost.totals.size_bytes / costs[-1].totals.size_bytes
        assert (radii[cost.name] / radii["vgg16"]) ** 2 == pytest.approx(share, rel=0.01)


def test_a_legend_of_balls_is_in_round_numbers(tmp_path: Path) -> None:
    for names, labels in (
        (("googlenet", "vgg16"), {"100", "200", "300", "400", "500"}),
        (("lenet5", "lenet5@full"), {"0.05", "0.1", "0.15", "0.2"}),  # 0.23 and 0.24 MiB
    ):
        path = tmp_path / "balls.svg"
        write_chart(balls([archcalc.analyze(name) for name in names]), path)
        texts = {element.text for element in ElementTree.parse(path).getroot().iter() if element.text}
        assert labels <= texts
        assert not {"0", "600", "0.25", "0.3"} & texts


def test_labels_of_a_sweep_are_those_of_its_table() -> None:
    sweep = archcalc.sweep(["resnet18"], over={"resolution": "64:128:32", "width": "0.5,1"})
    assert {row["series"] for row in rows_of(cost_along(sweep).to_dict())} == {"width 0.5", "width 1"}


@pytest.mark.parametrize("name", ["cost.svg", "cost.png", "cost.html"])
def test_files(tmp_path: Path, name: str) -> None:
    cost = archcalc.analyze("lenet5")
    path = tmp_path / name
    write_chart(cost_by_layer(cost, cost.layers), path)
    content = path.read_bytes()
    if name.endswith("svg"):
        texts = [element.text for element in ElementTree.fromstring(content).iter() if element.text]
        assert {"Where lenet5 costs", "MACs", "parameters", "C1", "F6"} <= set(texts)
    elif name.endswith("png"):
        assert content.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", content[16:24])
        assert width > 1000
        assert height > 200
    else:
        page = content.decode()
        assert "vega" in page
        assert 'src="http' not in page  # it needs nothing else


def test_a_picture_beside_the_table(tmp_path: Path) -> None:
    path = tmp_path / "balls.svg"
    result = run("compare", "googlenet", "vgg16", "--plot", str(path))
    assert result.stdout == run("compare", "googlenet", "vgg16").stdout
    assert "drawn" in result.stderr
    assert "vgg16" in path.read_text(encoding="utf-8")


def test_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "a picture ends in .svg, .png, .html" in run("show", "lenet5", "--plot", "cost.gif", code=2).stderr
    missing = run("show", "lenet5", "--plot", str(tmp_path / "no" / "cost.svg"), code=2)
    assert "mkdir -p" in missing.stderr
    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    assert "[plot]'" in run("show", "lenet5", "--plot", "cost.svg", code=3).stderr


def test_a_sweep_is_drawn_as_it_was_counted() -> None:
    sweep = archcalc.sweep(["resnet18"], over={"resolution": "64:128:32", "width": "0.5,1"})
    found = {
        (row["series"], row["at"]): row["cost"]
        for row in rows_of(cost_along(sweep).to_dict())
        if row["quantity"] == "macs"
    }
    assert len(found) == 6
    for (series, at), macs in found.items():
        width = series.removeprefix("width ")
        assert macs == archcalc.analyze("resnet18", set={"resolution": int(at), "width": width}).totals.macs


def test_more_than_a_picture_shows_is_refused() -> None:
    sweep = archcalc.sweep(["resnet18"], over={"resolution": "32:6000:1"})
    with pytest.raises(ValueError, match="up to 5,000 configurations"):
        cost_along(sweep)


def texts_in(path: Path) -> str:
    """All that is written in a picture: letters of a title may be apart."""
    return path.read_text(encoding="utf-8")


def test_a_picture_of_a_part_says_of_which(tmp_path: Path) -> None:
    """In its title and on its axes; and no colour is there that stands for nothing."""
    path = tmp_path / "part.svg"
    run("show", "resnet18", "--scope", "conv2", "--plot", str(path))
    found = texts_in(path)
    assert "Where conv2 of resnet18 costs" in found
    assert "MACs of conv2" in found
    assert "parameters of conv2" in found
    run("compare", "resnet18", "resnet34", "--scope", "conv2", "--plot", str(path))
    found = texts_in(path)
    assert "What conv2 of networks compute and what they store" in found
    assert "weights, MiB of conv2" in found


def colours(chart: Any) -> set[str]:
    """Fields that a colour, a dash or a shape stands for."""
    panels = chart.get("hconcat", chart.get("layer", [chart]))
    encodings = [part["encoding"] for panel in panels for part in panel.get("layer", [panel])]
    channels = ("color", "strokeDash", "shape")
    return {encoding[name]["field"] for encoding in encodings for name in channels if name in encoding}


def test_colours_have_a_legend_or_are_not_there() -> None:
    cost = archcalc.analyze("resnet18")
    assert not colours(cost_by_layer(cost, cost.layers).to_dict())
    assert not colours(balls([cost, archcalc.analyze("vgg11")]).to_dict())
    one = cost_along(archcalc.sweep("resnet18", {"resolution": "32:96:32"})).to_dict()
    assert not colours(one)


@pytest.mark.parametrize(("widths", "is_told"), [(2, True), (8, True), (24, True), (25, False)])
def test_lines_are_told_apart_or_all_alike(widths: int, is_told: bool) -> None:
    """Eight colours, three dashes: up to 24 lines, no two of which look alike."""
    swept = archcalc.sweep("resnet18", {"resolution": "32,64", "width": list(range(1, widths + 1))})
    chart = cost_along(swept).to_dict()
    assert bool(colours(chart)) == is_told
    assert ("too many to tell apart" in chart["title"]["subtitle"]) != is_told
    for panel in chart["hconcat"] if is_told else ():
        looks = [panel["encoding"][name]["scale"]["range"] for name in ("color", "strokeDash")]
        assert len({(colour, tuple(dash)) for colour, dash in zip(*looks, strict=True)}) == widths
        assert panel["encoding"]["color"]["legend"]["symbolLimit"] >= widths
