"""Every spec against the tables of the papers, prototxt files and torchvision, row by row and in all."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

import archcalc
from archcalc.ops import Window
from archcalc.results import LayerCost, NetworkCost
from archcalc.spec.library import all_names
from tests.networks.golden import FACTS, TABLES, WITH_HEADS, WITHOUT_TABLE, Facts, Row, rows, totals

# Which operators a row of a table stands for; the last one gives what the row says, those before change nothing
# that is counted.
OPERATORS: dict[str, tuple[str, ...]] = {
    "conv": ("conv",),
    "conv, partial connection table": ("conv",),
    "fc": ("linear",),
    "maxpool": ("maxpool",),
    "avgpool": ("avgpool",),
    "global avgpool": ("global_avgpool",),
    "add": ("add",),
    "concat": ("concat",),
    "LRN across ch, size 5": ("lrn",),
    "subsample 2x2 sum, trainable coeff+bias per map": ("subsample",),
    "Euclidean RBF, fixed +-1 codes (84 per class)": ("rbf",),
    "1x1 max-pool stride 2": ("maxpool",),
    "subsample + zero-pad channels": ("maxpool", "pad_channels"),
}
# torchvision pools to a fixed size where the tables have what that is at this input.
OTHER_OPERATORS = {
    ("googlenet@torchvision", "aux1.adaptive_avg_4x4"): ("adaptive_avgpool",),
    ("googlenet@torchvision", "aux2.adaptive_avg_4x4"): ("adaptive_avgpool",),
}
WINDOWED = ("conv", "maxpool", "avgpool", "subsample")
ACTIVATED = ("conv", "linear", "subsample", "add")
# Tables name what classifies, after the network's end, and two activations that modern copies choose from.
ACTIVATIONS = {
    "": [],
    "-": [],
    "softmax": [],
    "relu": ["relu"],
    "scaled tanh": ["scaled_tanh"],
    "sigmoid|tanh": ["scaled_tanh"],
}
# Our layers that tables do not list, by type: they change no shape and store nothing.
UNLISTED = ("relu", "dropout")
# The same for one network: torchvision's pooling to 6x6, where the maps are 6x6 already.
UNLISTED_IN = {"alexnet@torchvision": ("adaptive_avgpool",)}

# Names of issue 2, section 4.
ASKED_FOR = re.findall(
    r"\S+",
    """
    lenet5 lenet5@full lenet@caffe alexnet caffenet alexnet@torchvision alexnet@ungrouped vgg11
    vgg11@lrn vgg13 vgg16@c vgg16 vgg19 vgg11@bn vgg13@bn vgg16@bn vgg19@bn googlenet
    googlenet@torchvision googlenet@naive resnet18 resnet34 resnet50 resnet101 resnet152
    resnet18@torchvision resnet34@torchvision resnet50@torchvision resnet101@torchvision
    resnet152@torchvision resnet18@option-a resnet18@option-c resnet34@option-a resnet34@option-c
    plain18 plain34 resnet20 resnet32 resnet44 resnet56 resnet110 resnet1202
    """,
)


def window(cost: NetworkCost, layer: LayerCost, row: Row) -> tuple[dict[str, Any], dict[str, Any]]:
    """Kernel, stride, padding and groups as we have them, and as the row has them."""
    node = cost.graph.nodes[layer.nodes[0]]
    found = node.operator.window(node.x)
    assert isinstance(found, Window)
    ours: dict[str, Any] = {"kernel": found.kernel, "stride": found.stride}
    theirs: dict[str, Any] = {"kernel": row.kernel or (1, 1), "stride": (row.stride, row.stride)}
    if row.padding is not None:
        ours["padding"] = found.padding
        theirs["padding"] = same_padding(layer, row) if row.padding == "same" else (row.padding, row.padding)
    if row.groups is not None:
        ours["groups"], theirs["groups"] = getattr(node.operator, "groups", None), row.groups
    return ours, theirs


def same_padding(layer: LayerCost, row: Row) -> tuple[int, ...]:
    """What TensorFlow's SAME puts before the first window: half of what the windows lack, rounded down."""
    assert row.stride is not None
    before = []
    for extent, kernel in zip(layer.in_shape.spatial, row.kernel, strict=True):
        assert isinstance(extent, int)
        windows = math.ceil(extent / row.stride)
        before.append(max((windows - 1) * row.stride + kernel - extent, 0) // 2)
    return tuple(before)


def assert_same_row(cost: NetworkCost, layer: LayerCost, follower: str, row: Row) -> None:
    """What both say of a layer, number by number; a ReLU that follows as a layer of its own is its too."""
    ours: dict[str, Any] = {
        "shape": (layer.out_shape.channels, *(layer.out_shape.spatial or (1, 1))),
        **{field: getattr(layer, field) for field in ("params", "weights", "biases", "norm_params", "macs")},
    }
    theirs: dict[str, Any] = {field: getattr(row, field) for field in ours}
    if layer.type in WINDOWED:
        more = window(cost, layer, row)
        ours |= more[0]
        theirs |= more[1]
    if layer.type in ACTIVATED:
        operators = [cost.graph.nodes[index].operator.name for index in layer.nodes[1:]]
        ours["activation"] = [name for name in (*operators, follower) if name in ("relu", "scaled_tanh")]
        theirs["activation"] = ACTIVATIONS[row.activation]
    assert ours == theirs, f"{layer.name}, which the table calls {row.name}"


def assert_same_rows(name: str, cost: NetworkCost, layers: list[LayerCost], table: list[Row]) -> None:
    """Every row of a table in order, and no layer beside them but those that tables do not list."""
    left = list(layers)
    unlisted = UNLISTED + UNLISTED_IN.get(name, ())
    for row in table:
        wanted = OTHER_OPERATORS.get((name, row.name)) or OPERATORS[row.operator]
        for number, operator in enumerate(wanted):
            while left and left[0].type in unlisted and left[0].type != operator:
                skipped = left.pop(0)
                assert skipped.in_shape == skipped.out_shape
                assert skipped.params == skipped.macs == 0
            assert left, f"nothing is left for {row.name}"
            layer = left.pop(0)
            assert layer.type == operator, f"{layer.name}, which the table calls {row.name}"
            if number < len(wanted) - 1:
                assert layer.params == layer.macs == 0
                assert layer.out_shape.spatial == row.shape[1:]
            else:
                assert_same_row(cost, layer, left[0].type if left else "", row)
    assert {layer.type for layer in left} <= set(unlisted), "the table ends before the network does"


def assert_same_totals(cost: NetworkCost, facts: Facts) -> None:
    expected = totals()[facts.total]
    assert cost.totals.params == expected.params
    assert cost.totals.macs == expected.macs
    assert not cost.totals.at_least


@pytest.mark.parametrize("name", [name for name in FACTS if name not in WITHOUT_TABLE])
def test_rows(name: str) -> None:
    cost = archcalc.analyze(name)
    table = FACTS[name].table
    assert table is not None
    assert_same_rows(name, cost, cost.layers, list(rows(table)))


@pytest.mark.parametrize("name", WITH_HEADS)
def test_rows_of_heads(name: str) -> None:
    """What the table with heads has more than the table without: the heads, in order."""
    main, table = FACTS[name].table, WITH_HEADS[name].table
    assert main is not None
    assert table is not None
    known = set(rows(main))
    of_heads = [row for row in rows(table) if row not in known]
    assert [row for row in rows(table) if row in known] == list(rows(main))
    cost = archcalc.analyze(name, with_heads=True)
    heads = [layer for layer in cost.layers if layer.head]
    assert {layer.head for layer in heads} == {"aux1", "aux2"}
    assert_same_rows(name, cost, heads, of_heads)
    assert_same_rows(name, cost, [layer for layer in cost.layers if not layer.head], list(rows(main)))


@pytest.mark.parametrize("name", FACTS)
def test_totals(name: str) -> None:
    assert_same_totals(archcalc.analyze(name), FACTS[name])


@pytest.mark.parametrize("name", WITH_HEADS)
def test_totals_with_heads(name: str) -> None:
    assert_same_totals(archcalc.analyze(name, with_heads=True), WITH_HEADS[name])


@pytest.mark.parametrize("name", FACTS)
def test_names_without_heads_have_none(name: str) -> None:
    assert archcalc.analyze(name).heads == (["aux1", "aux2"] if name.startswith("googlenet") else [])


def test_tables_sum_to_their_totals() -> None:
    """The tables and the lists of totals are one source: a slip in copying either would show."""
    for facts in (*FACTS.values(), *WITH_HEADS.values()):
        if facts.table:
            expected = totals()[facts.total]
            assert sum(row.params for row in rows(facts.table)) == expected.params
            assert sum(row.macs for row in rows(facts.table)) == expected.macs


def test_every_table_and_total_is_used() -> None:
    facts = [*FACTS.values(), *WITH_HEADS.values()]
    assert {fact.table for fact in facts} - {None} == {path.stem for path in TABLES.glob("*.csv")}
    assert {fact.total for fact in facts} == set(totals())


def test_networks_without_a_table_are_named() -> None:
    assert {name for name, facts in FACTS.items() if facts.table is None} == WITHOUT_TABLE


def test_every_name_asked_for_is_there() -> None:
    assert set(ASKED_FOR) <= set(FACTS)


def test_no_spec_is_left_unchecked() -> None:
    ours = {name for name in all_names() if name.startswith(("lenet", "alexnet", "caffenet", "vgg", "googlenet"))}
    ours |= {name for name in all_names() if name.startswith(("resnet", "plain"))}
    assert ours == set(FACTS)
