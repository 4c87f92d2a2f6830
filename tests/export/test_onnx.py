"""ONNX: its checker accepts it and infers our shapes; it computes what torch computes, and is read back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import archcalc
from archcalc.engine.network import analyze
from archcalc.graph import Graph, Node
from archcalc.ops import OPERATORS, Example
from archcalc.ops.shape import image
from tests.cli.running import run, spec

onnx = pytest.importorskip("onnx", reason="needs the onnx extra")

KINDS = [
    "googlenet",
    "mobilenet_v3_small",
    "fcn_32s",
    "unet",
    "vit_b_16",
    "gpt2",
    "t5_small",
    "swin_t",
    "bilstm",
    "yolo_v2",
]
READ_BACK = ["resnet50", "googlenet", "mobilenet_v2", "unet", "bilstm", "vit_b_16", "bert_base", "gpt2"]


def _model(cost: Any, with_shapes: bool = True) -> tuple[Any, Any]:
    from archcalc.report.export.onnx.model import model_of

    return model_of(cost, with_shapes)


@pytest.mark.parametrize("name", KINDS)
def test_onnx_infers_our_shapes(name: str) -> None:
    """Of the file without them, from inputs and weights alone."""
    from archcalc.report.export.onnx.model import shapes

    model, drawer = _model(analyze(name), with_shapes=False)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    found = {
        info.name: [size.dim_param or size.dim_value for size in info.type.tensor_type.shape.dim]
        for info in inferred.graph.value_info
    }
    wanted = {label: value for label, value in shapes(drawer).items() if label in found}
    assert len(wanted) > 0.9 * len(shapes(drawer))  # those with the name of an output of the graph are no value_info
    for label, value in wanted.items():
        assert found[label][1:] == value.dims(value.native)[1:], label


@pytest.mark.parametrize("name", READ_BACK)
def test_what_is_read_back_costs_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    archcalc.export(name, "onnx").save(path)
    assert path.stat().st_size < 400_000
    ours, theirs = analyze(name).totals, analyze(path).totals
    assert (theirs.macs, theirs.params, theirs.unknown) == (ours.macs, ours.params, 0)


def _single(example: Example, cls: Any) -> Any:
    """A network of one operation."""
    operator, x = example.operation(cls)
    shapes = () if cls.sources else x if cls.merges else (x,)
    y = operator.infer(x)
    inputs = {f"x{number}": shape for number, shape in enumerate(shapes)} or {"x0": y}
    reads = tuple(-1 - number for number in range(len(shapes)))
    node = Node(cls.name, cls.name, operator, reads, x, y, -1, (0, 0))
    graph = Graph("one", "", inputs, [node], 0, first_head=1)
    return SimpleNamespace(graph=graph, with_heads=True, name="one", title="")


# `unpool` needs its pooling, `gru` of the second example a first state: they are in `enet` and `seq2seq`.
EXAMPLES: list[tuple[Any, Example]] = [
    (cls, example)
    for name, cls in OPERATORS.items()
    for example in cls.examples
    if name != "unpool" and example.arguments.get("initial") is None
]


@pytest.mark.parametrize(("cls", "example"), EXAMPLES)
def test_every_operator_is_written(cls: Any, example: Example) -> None:
    cost = _single(example, cls)
    model, drawer = _model(cost)
    onnx.checker.check_model(model, full_check=True)
    stored = cost.graph.nodes[0].operator.parameters(cost.graph.nodes[0].x)
    found = sum(_elements(sizes) for sizes in drawer.weights.values())
    assert found == sum(stored) - (stored.buffers if cls.name in ("position_embedding", "fixed") else 0)


def _elements(sizes: tuple[int, ...]) -> int:
    count = 1
    for size in sizes:
        count *= size
    return count


# Of the operators without weights, those whose formula is more than a node; the rest is one operator of ONNX.
COMPUTED = (
    *("attend", "rotary", "channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "roll", "glu", "maxout", "sinusoid"),
    *("silu", "quick_gelu", "softcap", "scaled_tanh", "log_sigmoid", "threshold", "tanhshrink", "softmin", "rrelu"),
    *("crop", "pad", "slice_positions", "slice_channels", "repeat_channels", "pad_channels", "mean", "dot", "l2_norm"),
    *("avgpool", "maxpool", "upsample", "gelu", "hard_sigmoid", "softshrink", "hardshrink", "adaptive_avgpool"),
    "transpose",
)


def _is_computed(cls: Any, example: Example) -> bool:
    """Whether it is small, and ONNX has a word for it: not for adaptive windows of several sizes."""
    graph = _single(example, cls).graph
    if cls.name not in COMPUTED or sum(shape.elements for shape in graph.inputs.values()) > 20_000:
        return False
    x, y = graph.nodes[0].x, graph.nodes[0].y
    return cls.name != "adaptive_avgpool" or not any(a % b for a, b in zip(x.spatial, y.spatial, strict=True))


@pytest.mark.torch
@pytest.mark.parametrize(("cls", "example"), [each for each in EXAMPLES if _is_computed(*each)])
def test_it_computes_what_torch_does(cls: Any, example: Example) -> None:
    torch = pytest.importorskip("torch")
    from onnx.reference import ReferenceEvaluator

    from archcalc.torch_bridge.model.build import build

    cost = _single(example, cls)
    shapes = list(cost.graph.inputs.values())
    model, _ = _model(cost)
    torch.manual_seed(0)
    given = [torch.rand(2, shape.channels, *shape.spatial) - 0.3 for shape in shapes]
    wanted = build(cost.graph).eval()(*given).detach().numpy()
    feeds = {name: value.numpy() for name, value in zip(cost.graph.inputs, given, strict=True)}
    (found,) = ReferenceEvaluator(model).run(None, feeds)
    assert found.shape == wanted.shape
    assert abs(found - wanted).max() < 1e-4


@pytest.mark.parametrize(
    ("arguments", "axes"),
    [({}, (2,)), ({"axes": (0, 2)}, (2, 4)), ({"axes": 1}, (3,)), ({"whole": True}, (2, 3, 4))],
    ids=str,
)
def test_heads_of_a_norm_are_sets_of_their_own(arguments: dict[str, Any], axes: tuple[int, ...]) -> None:
    """By NumPy: 6 channels as 2 heads of 3, each with its own mean and variance; over the other axes as without."""
    numpy = pytest.importorskip("numpy")
    from onnx.reference import ReferenceEvaluator

    x = image(6, 4, 5)
    example = Example("by NumPy", x, {"heads": 2, "scale": False, "shift": False, **arguments}, x, {})
    model, _ = _model(_single(example, OPERATORS["layer_norm"]))
    onnx.checker.check_model(model, full_check=True)
    given = numpy.random.default_rng(0).random((2, 6, 4, 5), numpy.float32)
    (found,) = ReferenceEvaluator(model).run(None, {"x0": given})
    heads = given.reshape(2, 2, 3, 4, 5)
    away = heads - heads.mean(axes, keepdims=True)
    wanted = (away / numpy.sqrt(heads.var(axes, keepdims=True) + 1e-5)).reshape(given.shape)
    assert found.shape == wanted.shape
    assert abs(found - wanted).max() < 1e-4


@pytest.mark.parametrize("arguments", [{}, {"axes": (0, 2)}, {"whole": True}], ids=str)
def test_norms_of_heads_store_what_is_counted(arguments: dict[str, Any]) -> None:
    example = Example("", image(6, 4, 5), {"heads": 2, **arguments}, image(6, 4, 5), {})
    cost = _single(example, OPERATORS["layer_norm"])
    _, drawer = _model(cost)
    (node,) = cost.graph.nodes
    assert sum(map(_elements, drawer.weights.values())) == sum(node.operator.parameters(node.x))


def test_what_onnx_lacks_is_named() -> None:
    made = archcalc.export("mamba_130m", "onnx")
    assert made.notes == (
        "ONNX has no operator for scan: blocks.1.mixer.ssm and 23 more, written in the domain `archcalc`",
    )


def test_tied_weights_are_one_tensor_and_layers_that_are_shared_too() -> None:
    _, drawer = _model(analyze("gpt2"))
    assert sum(_elements(sizes) for sizes in drawer.weights.values()) == analyze("gpt2").totals.params


def test_earlier_steps_are_inputs() -> None:
    model, _ = _model(analyze("gpt2", set={"length": 1, "past": 7}))
    names = [each.name for each in model.graph.input]
    assert len(names) == 1 + 2 * 12
    sizes = [size.dim_value for size in model.graph.input[1].type.tensor_type.shape.dim]
    assert sizes[1:] == [7, 768]


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    said = run("export", spec(tmp_path), "-o", str(path)).stderr
    assert said == f"{path}: written\n"
    model = onnx.load(path)
    assert [node.op_type for node in model.graph.node if node.op_type != "Constant"] == [
        *("Conv", "Relu", "MaxPool", "Flatten", "Gemm", "Identity")
    ]
    assert not model.graph.initializer  # no weights: each is a constant of its shape, of which nothing is stored
