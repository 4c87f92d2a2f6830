"""A network beside its table: rows in order, each with the layers that it stands for, and what reads what."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from archcalc.graph import NETWORK_INPUT
from archcalc.ops import Window
from archcalc.results.cost import LayerCost, NetworkCost
from tests.networks.golden import Row

# Which operators a row of a table stands for; the last one gives what the row says, those before change nothing
# that is counted.
OPERATORS: dict[str, tuple[str, ...]] = {
    "conv": ("conv",),
    "conv, partial connection table": ("conv",),
    "deconv": ("deconv",),
    "dwconv": ("depthwise",),
    "dwconv (multiplier 8)": ("depthwise",),
    "fc": ("linear",),
    "maxpool": ("maxpool",),
    "avgpool": ("avgpool",),
    "global avgpool": ("global_avgpool",),
    "max-unpool 2x2": ("unpool",),
    "add": ("add",),
    "concat": ("concat",),
    "elementwise mean": ("mean",),
    "LRN across ch, size 5": ("lrn",),
    "contrast norm": ("lrn",),
    "BN + PReLU": ("batch_norm", "prelu"),
    "BN + ReLU": ("batch_norm", "relu"),
    "dropout 0.5": ("dropout",),
    "spatial dropout": ("spatial_dropout",),
    "pad channels with 0": ("pad_channels",),
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
# The last row of some tables: what classifies, after the network's end.
AFTER_THE_END = "softmax"
WINDOWED = ("conv", "deconv", "depthwise", "maxpool", "avgpool", "subsample", "unpool")
ACTIVATED = ("conv", "deconv", "depthwise", "linear", "subsample", "add")
# Tables name what classifies, after the network's end, and two activations that modern copies choose from.
ACTIVATIONS = {
    "": [],
    "-": [],
    "softmax": [],
    "relu": ["relu"],
    "prelu": ["prelu"],
    "scaled tanh": ["scaled_tanh"],
    "sigmoid|tanh": ["scaled_tanh"],
}
# How a table says what norm follows a layer, as scale and shift of a batch norm.
NORMS = {"y": (True, True), "beta only": (False, True), "y(no affine)": (False, False)}
# Our layers that tables do not list, by type: they change no shape and store nothing.
UNLISTED: tuple[str, ...] = ("dropout",)
UNLISTED_IN: dict[str, tuple[str, ...]] = {
    # torchvision's pooling to 6x6, where the maps are 6x6 already
    "alexnet@torchvision": ("adaptive_avgpool",),
    # to 7x7, where they are 7x7 already
    **{f"vgg{depth}@torchvision{norm}": ("adaptive_avgpool",) for depth in (11, 13, 16, 19) for norm in ("", "-bn")},
    # a residual times a constant
    "inception_resnet_v1": ("scale",),
    "inception_resnet_v1@facenet": ("scale",),
    "inception_resnet_v2": ("scale",),
    "inception_resnet_v2@tfslim": ("scale",),
    # a branch that splits in two at its end: the table has one concatenation over all of them
    "inception_v3": ("concat",),
    "inception_v4": ("concat",),
    # joins of two, as the expansion rule has them, where the table has one over all columns that end there
    "fractalnet20@released": ("mean",),
    "fractalnet40@released": ("mean",),
    "fractalnet34": ("mean",),
}
# Whose indices an unpooling takes: the tables list what it reads otherwise.
INDICES_OF = {
    "bottleneck4.0/max-unpool (stored indices)": "bottleneck2.0/maxpool (indices kept)",
    "bottleneck5.0/max-unpool (stored indices)": "bottleneck1.0/maxpool (indices kept)",
}
NESTED = ("concat", "mean")


class Matched(NamedTuple):
    """Layers in a row of our order: those of a row of the table, or one that the table does not list."""

    row: Row | None
    layers: list[LayerCost]

    @property
    def nodes(self) -> list[int]:
        return [index for layer in self.layers for index in layer.nodes]


def assert_same_rows(name: str, cost: NetworkCost, layers: list[LayerCost], table: list[Row]) -> None:
    """Every row of a table in order, what it reads, and no layer beside them but those that tables do not list."""
    if table[-1].operator == AFTER_THE_END:
        last = table[-1]
        assert last.params == last.macs == 0
        assert last.shape == shape(layers[-1])
        table = table[:-1]
    matched = match(name, cost, layers, table)
    for part in matched:
        if part.row:
            assert_same_row(cost, part.layers, part.row, OPERATORS[part.row.operator][-1])
        else:
            assert_adds_nothing(cost, part.layers[0])
    assert_same_wiring(cost, matched)


def match(name: str, cost: NetworkCost, layers: list[LayerCost], table: list[Row]) -> list[Matched]:
    """Our layers as the rows have them.

    A row with a norm or an activation takes those as well where they are layers of their own.
    """
    left = list(layers)
    unlisted = UNLISTED + UNLISTED_IN.get(name, ())
    matched: list[Matched] = []
    for row in table:
        wanted = OTHER_OPERATORS.get((name, row.name)) or OPERATORS[row.operator]
        while left and left[0].type in unlisted and left[0].type != wanted[0]:
            matched.append(Matched(None, [left.pop(0)]))
        taken: list[LayerCost] = []
        for operator in wanted:
            assert left, f"nothing is left for {row.name}"
            assert left[0].type == operator, f"{left[0].name}, which the table calls {row.name}"
            taken.append(left.pop(0))
        followers = (["batch_norm"] if row.norm in NORMS else []) + ACTIVATIONS[row.activation]
        for operator in followers:
            if operator in operators_of(cost, taken):
                continue
            ahead = next((place for place, layer in enumerate(left) if layer.type not in UNLISTED), None)
            if ahead is not None and left[ahead].type == operator:
                taken += left[: ahead + 1]
                del left[: ahead + 1]
        matched.append(Matched(row, taken))
    assert {layer.type for layer in left} <= set(unlisted), "the table ends before the network does"
    return matched + [Matched(None, [layer]) for layer in left]


def operators_of(cost: NetworkCost, layers: list[LayerCost]) -> list[str]:
    return [cost.graph.nodes[index].operator.name for layer in layers for index in layer.nodes]


def shape(layer: LayerCost) -> tuple[Any, ...]:
    return (layer.out_shape.channels, *(layer.out_shape.spatial or (1, 1)))


def assert_adds_nothing(cost: NetworkCost, layer: LayerCost) -> None:
    """A layer that no row stands for: it keeps the shape, or merges what only another merge of its kind reads."""
    assert layer.params == layer.macs == 0, layer.name
    if layer.type in NESTED:
        readers = [node.operator.name for node in cost.graph.nodes if layer.nodes[-1] in node.inputs]
        assert readers == [layer.type], layer.name
    else:
        assert layer.in_shape == layer.out_shape, layer.name


def assert_same_row(cost: NetworkCost, layers: list[LayerCost], row: Row, main_type: str) -> None:
    """What both say, number by number."""
    nodes = [cost.graph.nodes[index] for layer in layers for index in layer.nodes]
    # slopes are learned and no norm; we list them with the weights, the tables with scale and shift
    slopes = sum(node.operator.parameters(node.x).weights for node in nodes if node.operator.name == "prelu")
    ours: dict[str, Any] = {
        "shape": shape(layers[-1]),
        "params": sum(layer.params for layer in layers),
        "weights": sum(layer.weights for layer in layers) - slopes,
        "biases": sum(layer.biases for layer in layers),
        "norm_params": sum(layer.norm_params for layer in layers) + slopes,
        "macs": sum(layer.macs for layer in layers),
    }
    theirs: dict[str, Any] = {field: getattr(row, field) for field in ours}
    main = next((layer for layer in layers if layer.type == main_type), layers[0])
    if main.type in WINDOWED:
        more = window(cost, main, row)
        ours |= more[0]
        theirs |= more[1]
    if main.type == "dropout":
        ours["share"], theirs["share"] = float(nodes[0].operator.p), float(row.operator.removeprefix("dropout "))  # type: ignore[attr-defined]
    if main.type in ACTIVATED:
        names = [node.operator.name for node in nodes]
        ours["activation"] = [name for name in names if name in ("relu", "prelu", "scaled_tanh")]
        theirs["activation"] = ACTIVATIONS[row.activation]
        norms = [node.operator for node in nodes if node.operator.name == "batch_norm"]
        ours["norms"] = [(norm.scale, norm.shift) for norm in norms]  # type: ignore[attr-defined]
        theirs["norms"] = [NORMS[row.norm]] if row.norm in NORMS else []
    assert ours == theirs, f"{layers[0].name}, which the table calls {row.name}"


def window(cost: NetworkCost, layer: LayerCost, row: Row) -> tuple[dict[str, Any], dict[str, Any]]:
    """Kernel, stride, padding, dilation and groups as we have them, and as the row has them."""
    node = cost.graph.nodes[layer.nodes[0]]
    found = node.operator.window(node.x)
    assert isinstance(found, Window)
    if layer.type == "unpool":
        side = int(row.operator.rpartition("x")[2])
        return {"upsample": found.upsample}, {"upsample": (side, side)}
    ours: dict[str, Any] = {"kernel": found.kernel, "stride": found.upsample or found.stride}
    theirs: dict[str, Any] = {"kernel": row.kernel or (1, 1), "stride": (row.stride, row.stride)}
    if row.padding is not None:
        ours["padding"] = found.padding
        theirs["padding"] = same_padding(layer, row) if row.padding == "same" else pair(row.padding)
    if layer.type == "deconv":
        added = re.search(r"outpad (\d+)", str(row.padding))
        ours["added"], theirs["added"] = node.operator.output_padding, int(added.group(1)) if added else 0  # type: ignore[attr-defined]
    if row.dilation is not None:
        ours["dilation"], theirs["dilation"] = found.dilation, (row.dilation, row.dilation)
    if row.groups is not None:
        groups = layer.in_shape.channels if layer.type == "depthwise" else getattr(node.operator, "groups", None)
        ours["groups"], theirs["groups"] = groups, row.groups
    return ours, theirs


def pair(padding: int | str) -> tuple[int, int]:
    """Padding of height and width: `1`, `0,2`, `1 (outpad 1)`."""
    numbers = [int(number) for number in str(padding).partition(" ")[0].split(",")]
    return numbers[0], numbers[-1]


def same_padding(layer: LayerCost, row: Row) -> tuple[int, ...]:
    """What TensorFlow's SAME puts before the first window: half of what the windows lack, rounded down."""
    assert row.stride is not None
    before = []
    for extent, kernel in zip(layer.in_shape.spatial, row.kernel, strict=True):
        assert isinstance(extent, int)
        windows = math.ceil(extent / row.stride)
        before.append(max((windows - 1) * row.stride + kernel - extent, 0) // 2)
    return tuple(before)


def assert_same_wiring(cost: NetworkCost, matched: list[Matched]) -> None:
    """Every row reads what the table says, in the table's order; the order of what is averaged or added is free."""
    gives: dict[int, list[str]] = {NETWORK_INPUT: ["data"]}
    for part in matched:
        own = set(part.nodes)
        outside = [read for index in part.nodes for read in cost.graph.nodes[index].inputs if read not in own]
        reads = [name for read in outside for name in gives[read]]
        for index in part.nodes:
            gives[index] = [part.row.name] if part.row else reads
        if part.row:
            indices = INDICES_OF.get(part.row.name)
            listed = [*part.row.inputs, indices] if indices else list(part.row.inputs)
            is_ordered = part.row.operator == "concat"
            ours, theirs = (reads, listed) if is_ordered else (sorted(reads), sorted(listed))
            assert ours == theirs, f"what {part.row.name} reads"


def fractal_order(table: list[Row]) -> list[Row]:
    """Rows of a fractal network in the order of the rule, f(C) = join(f(C-1) after f(C-1), conv).

    The table goes down the figure level by level (`b2/l4/c1`: block 2, level 4, column 1), the rule column by column;
    a join comes after the leftmost column that ends at its level.
    """
    found = {row.name: row for row in table}
    ordered: list[Row] = []
    for row in table:
        block, _, level = row.name.partition("/")
        if not level:
            ordered.append(row)
        elif level.startswith("l1/"):  # the first level holds the rightmost column alone
            columns = int(level.removeprefix("l1/c"))
            ordered += [found[f"{block}/{name}"] for name in fractal_names(1, columns, 2 ** (columns - 1))]
    assert sorted(row.name for row in ordered) == sorted(found)
    return ordered


def fractal_names(column: int, columns: int, end: int) -> list[str]:
    """What the rule gives for a column and those to its right, down to a level."""
    conv, join = f"l{end}/c{column}", f"l{end}/join"
    if column == columns:
        return [conv]
    length = 2 ** (columns - column)  # of this column's convolutions, in levels
    first = fractal_names(column + 1, columns, end - length // 2)
    second = fractal_names(column + 1, columns, end)
    ends_further_left = column > 1 and end % (2 * length) == 0
    return [*first, *second, conv] if ends_further_left else [*first, *second, conv, join]
