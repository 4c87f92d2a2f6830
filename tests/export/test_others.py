"""Exports for SCALE-Sim and Model Explorer: all MACs, by their own rules; and what is said of mistakes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import archcalc
from archcalc.engine.network import analyze
from archcalc.ops import OPERATORS
from archcalc.report.export import scalesim
from archcalc.report.export.scalesim import topology
from archcalc.source import SpecError
from tests.cli.running import run, spec

KINDS = [
    "lenet5",
    "resnext50_32x4d",
    "mobilenet_v2",
    "deeplab_v3",
    "dcgan_generator",
    "bilstm",
    "swin_t",
    "mixtral_8x7b",
]

# One layer of each thing that a row is made of, and the rows by hand: `name, H, W, filter, channels, filters, stride`.
EVERY = """\
network: every
input: image(4, 11, 9)
layers:
  plain: conv(6, 3, stride=2, padding=1)
  floor: conv(6, 2, stride=2)
  deep: depthwise(3, padding=1)
  grouped: conv(4, 1, groups=2)
  wide: conv(4, 3, dilation=2, padding=2)
  fc: linear(5)
"""
ROWS = [
    "plain, 13, 11, 3, 3, 4, 6, 2,",  # 6x5 windows: 5*2 + 3 = 13 and 4*2 + 3 = 11 positions, padding among them
    "floor, 6, 4, 2, 2, 6, 6, 2,",  # 3x2 windows; the fifth column is read by none
    "DP_deep, 5, 4, 3, 3, 6, 1, 1,",  # 3x2 windows for each of 6 channels
    "DP_grouped, 6, 3, 1, 3, 2, 2, 1,",  # 6 positions, 3 channels to 2, twice
    "wide, 6, 36, 1, 36, 1, 4, 1,",  # 6 positions by 4*3*3 taps
    "fc, 1, 24, 1, 24, 1, 5, 1,",
]


def _macs(line: str) -> int:
    """What SCALE-Sim 3.0.0 computes of a row, `topo_calc_hyperparams` and the loop over DP of `load_arrays_conv`."""
    _, *numbers = [part.strip() for part in line.split(",")[:-1]]
    height, width, kh, kw, channels, filters, stride = map(int, numbers)
    rows, columns = (-(-(extent - kernel + stride) // stride) for extent, kernel in ((height, kh), (width, kw)))
    assert kh <= height
    assert kw <= width
    return rows * columns * kh * kw * channels * filters


def test_rows_are_those_by_hand(tmp_path: Path) -> None:
    lines = archcalc.export(spec(tmp_path, EVERY), "scalesim").text.splitlines()
    assert lines == [scalesim.HEADER, *ROWS]


@pytest.mark.parametrize("name", KINDS)
def test_scalesim_computes_our_macs(name: str) -> None:
    cost = analyze(name)
    found = topology(cost)
    assert not found.left_out
    assert sum(map(_macs, found.text.splitlines()[1:])) == cost.totals.macs


def test_what_is_no_product_is_named_with_its_macs() -> None:
    cost = analyze("mamba_130m")
    found = topology(cost)
    assert {left.reason for left in found.left_out} == {"a state that decays at each position is no matrix product"}
    assert sum(map(_macs, found.text.splitlines()[1:])) + sum(left.macs for left in found.left_out) == cost.totals.macs
    assert "left out: 24 operations" in run("export", "mamba_130m", "--format", "scalesim").stderr


def test_every_operator_with_macs_has_rows_or_a_reason() -> None:
    multiplies = set()
    for name, cls in OPERATORS.items():
        for example in cls.examples:
            operator, x = example.operation(cls)
            if operator.arithmetic(x, operator.infer(x)).macs != 0:
                multiplies.add(name)
    assert multiplies == set(scalesim._MAKERS) | set(scalesim._REASONS)


def test_a_name_with_dp_is_no_depthwise_row(tmp_path: Path) -> None:
    text = EVERY.replace("plain:", "DPN:")
    assert archcalc.export(spec(tmp_path, text), "scalesim").text.splitlines()[1].startswith("D_PN, 13")


def test_what_has_no_product_at_all_is_refused(tmp_path: Path) -> None:
    path = spec(tmp_path, "network: flat\ninput: image(3, 4, 4)\nlayers:\n  pool: maxpool(2)\n")
    with pytest.raises(SpecError, match="not-expressible"):
        archcalc.export(path, "scalesim")


@pytest.mark.parametrize("name", ["googlenet", "bert_base", "bilstm"])
def test_a_graph_for_model_explorer(name: str) -> None:
    cost = analyze(name)
    made = archcalc.export(name, "model-explorer")
    collection = json.loads(made.text)
    (graph,) = collection["graphs"]
    nodes = {node["id"]: node for node in graph["nodes"]}
    assert len(nodes) == len(graph["nodes"])
    edges = [(node, edge["sourceNodeId"]) for node in nodes for edge in nodes[node].get("incomingEdges", [])]
    assert {source for _, source in edges} <= set(nodes)
    assert len(edges) == 1 + sum(len(node.inputs) for node in cost.graph.nodes)
    sums = {key: int(value.replace(",", "")) for key, value in graph["groupNodeAttributes"][""].items()}
    totals = cost.totals
    assert list(sums.values()) == [totals.macs, totals.params, totals.activations]
    spaces = {node["namespace"] for node in nodes.values()}
    assert set(graph["groupNodeAttributes"]) >= spaces  # groups that hold nothing themselves too
    for quantity, total in zip(("macs", "params", "activations"), sums.values(), strict=True):
        (data,) = json.loads(made.beside[quantity]).values()
        assert set(data["results"]) <= set(nodes)
        assert sum(result["value"] for result in data["results"].values()) == total
        assert [stop["stop"] for stop in data["gradient"]] == [0, 1]


# Fields of the classes in `graph_builder` and `node_data_builder` of ai-edge-model-explorer 0.1.34, those without a
# default first.
GRAPHS = {"label", "graphs", "graphSorting"}
GRAPH = {"id", "nodes", "groupNodeAttributes", "groupNodeConfigs", "nodeLabelsToHide", "tasksData", "layoutConfigs"}
NODE = {"id", "label", "namespace", "subgraphIds", "attrs", "incomingEdges", "outputsMetadata", "inputsMetadata"}
NODE |= {"style", "config"}
EDGE = {"sourceNodeId", "sourceNodeOutputId", "targetNodeInputId"}
DATA = {"results", "name", "thresholds", "gradient"}


def test_the_viewers_own_classes_have_our_fields() -> None:
    made = archcalc.export("clip_vit_b_32", "model-explorer")
    collection = json.loads(made.text)
    (graph,) = collection["graphs"]
    assert {"label", "graphs"} <= collection.keys() <= GRAPHS
    assert {"id", "nodes"} <= graph.keys() <= GRAPH
    for node in graph["nodes"]:
        assert {"id", "label", "namespace"} <= node.keys() <= NODE
        assert all(edge.keys() <= EDGE for edge in node.get("incomingEdges", []))
        assert all(pair.keys() == {"key", "value"} for pair in node.get("attrs", []))
        assert all(isinstance(pair["value"], str) for pair in node.get("attrs", []))
        assert all({"id", "attrs"} == of.keys() for of in node.get("outputsMetadata", []))
    for content in made.beside.values():
        for data in json.loads(content).values():
            assert {"results"} <= data.keys() <= DATA
            assert all(result.keys() == {"value"} for result in data["results"].values())


def test_nodes_have_the_names_of_their_layers() -> None:
    (graph,) = json.loads(archcalc.export("googlenet", "model-explorer").text)["graphs"]
    labels = {node["id"]: node["label"] for node in graph["nodes"]}
    assert labels["conv1"] == "conv1: conv"
    assert labels["inception_3a.3x3.conv_1"] == "conv"


def test_blocks_are_groups() -> None:
    (graph,) = json.loads(archcalc.export("googlenet", "model-explorer").text)["graphs"]
    inside = [node["id"] for node in graph["nodes"] if node["namespace"].startswith("inception_3a")]
    assert len(inside) == 14  # six convolutions with their ReLUs, a pooling, a concatenation


def test_files_beside(tmp_path: Path) -> None:
    said = run("export", "lenet5", "-o", str(tmp_path / "net.json")).stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "net.activations.json",
        "net.json",
        "net.macs.json",
        "net.params.json",
    ]
    assert said.count("written") == 4


def test_csv_by_its_ending(tmp_path: Path) -> None:
    path = tmp_path / "net.csv"
    run("export", "alexnet", "-o", str(path), "--set", "resolution=131")
    rows = list(csv.reader(path.read_text().splitlines(), skipinitialspace=True))
    assert rows[1][:4] == ["conv1", "131", "131", "11"]


MISTAKES = [
    (["lenet5"], "nothing says as what to write it"),
    (["lenet5", "-o", "net.pb"], "does not end as a format does"),
    (["lenet5", "-o", "net.csv", "--format", "model-explorer"], "ends in .csv"),
    (["lenet", "-o", "net.csv"], "lenet5"),
    (["lenet5", "-o", "no/such/net.csv"], "make the folder first"),
    (["lenet5", "-o", "net.csv", "--set", "resolutoin=9"], "no variable"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES)
def test_mistakes(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("export", *arguments, code=2)
    assert said in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())


def test_from_python_an_unknown_format_is_told() -> None:
    with pytest.raises(ValueError, match="model-explorer, scalesim, onnx"):
        archcalc.export("lenet5", "caffe")
