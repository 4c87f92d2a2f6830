"""Operations that exporters take apart, in the forms in which they write them."""

from pathlib import Path

import pytest

pytest.importorskip("onnx")

from onnx import TensorProto, helper

from tests.importing.onnx.models import model, node, numbers, only, ops, parameters, read, scalar, shape, weight

GELU = [
    node("Div", "x root2", "a"),
    node("Erf", "a", "b"),
    node("Add", "b one", "c"),
    node("Mul", "x c", "d"),
    node("Mul", "d half", "y"),
]
GELU_HALF_FIRST = [
    node("Mul", "x half", "h"),
    node("Mul", "x inverse", "a"),
    node("Erf", "a", "b"),
    node("Add", "one b", "c"),
    node("Mul", "h c", "y"),
]
TANH = [
    node("Pow", "x three", "p"),
    node("Mul", "p k", "q"),
    node("Add", "x q", "r"),
    node("Mul", "r root", "s"),
    node("Tanh", "s", "t"),
    node("Add", "t one", "u"),
    node("Mul", "x half", "h"),
    node("Mul", "h u", "y"),
]
NUMBERS = [
    scalar("root2", 1.4142135),
    scalar("inverse", 0.70710677),
    scalar("one", 1),
    scalar("half", 0.5),
    scalar("three", 3),
    scalar("k", 0.044715),
    scalar("root", 0.79788456),
    scalar("six", 6),
    scalar("zero", 0),
    scalar("two", 2),
    scalar("eps", 1e-6),
]


@pytest.mark.parametrize(
    ("nodes", "expected", "arguments"),
    [
        (GELU, "gelu", {"approximate": "none"}),
        (GELU_HALF_FIRST, "gelu", {"approximate": "none"}),
        (TANH, "gelu", {"approximate": "tanh"}),
        ([node("Sigmoid", "x", "s"), node("Mul", "x s", "y")], "silu", {}),
        ([node("Sigmoid", "x", "s"), node("Mul", "s x", "y")], "silu", {}),
        ([node("HardSigmoid", "x", "s", alpha=1 / 6), node("Mul", "x s", "y")], "hardswish", {}),
        ([node("Softplus", "x", "s"), node("Tanh", "s", "t"), node("Mul", "x t", "y")], "mish", {}),
        (
            [
                node("Add", "x three", "a"),
                node("Clip", "a zero six", "b"),
                node("Mul", "x b", "c"),
                node("Div", "c six", "y"),
            ],
            "hardswish",
            {},
        ),
        ([node("Clip", "x zero six", "y")], "relu6", {}),
        ([node("Clip", "x zero", "y")], "relu", {}),
    ],
)
def test_activations(nodes: list[object], expected: str, arguments: dict[str, object], tmp_path: Path) -> None:
    program = read(model(nodes, {"x": [1, 8, 4, 4]}, NUMBERS), tmp_path)
    assert ops(program) == [expected]
    found = only(program, expected)
    assert {name: found.arguments[name] for name in arguments} == arguments
    assert found.arguments["self"].tensor == program.inputs["x"]


def test_what_is_nearly_a_gelu_is_none(tmp_path: Path) -> None:
    nodes = [node("Div", "x two", "a"), node("Erf", "a", "b"), node("Add", "b one", "c"), node("Mul", "x c", "d"),
             node("Mul", "d half", "y")]  # fmt: skip
    assert "gelu" not in ops(read(model(nodes, {"x": [1, 8]}, NUMBERS), tmp_path))


def test_a_gate_by_something_else_is_no_silu(tmp_path: Path) -> None:
    nodes = [node("Relu", "x", "r"), node("Sigmoid", "r", "s"), node("Mul", "x s", "y")]
    assert ops(read(model(nodes, {"x": [1, 8]}), tmp_path)) == ["relu", "sigmoid", "mul"]


LAYER_NORM = [
    node("ReduceMean", "x", "m", axes=[-1]),
    node("Sub", "x m", "d"),
    node("Pow", "d two", "p"),
    node("ReduceMean", "p", "v", axes=[-1]),
    node("Add", "v eps", "e"),
    node("Sqrt", "e", "r"),
    node("Div", "d r", "n"),
    node("Mul", "n scale", "o"),
    node("Add", "o shift", "y"),
]


def test_layer_norm_in_nine_nodes(tmp_path: Path) -> None:
    stored = [*NUMBERS, weight("scale", 16), weight("shift", 16)]
    program = read(model(LAYER_NORM, {"x": [1, 5, 16]}, stored, opset=13), tmp_path)
    assert ops(program) == ["layer_norm"]
    found = only(program, "layer_norm")
    assert found.arguments["normalized_shape"] == [16]
    assert found.arguments["eps"] == 1e-6
    assert parameters(program) == {"scale": 16, "shift": 16}


def test_rms_norm_in_parts(tmp_path: Path) -> None:
    nodes = [
        node("Pow", "x two", "p"),
        node("ReduceMean", "p last", "v"),
        node("Add", "v eps", "e"),
        node("Sqrt", "e", "r"),
        node("Reciprocal", "r", "i"),
        node("Mul", "x i", "n"),
        node("Mul", "scale n", "y"),
    ]
    stored = [*NUMBERS, weight("scale", 16), numbers("last", -1)]
    program = read(model(nodes, {"x": [1, 5, 16]}, stored, opset=18), tmp_path)
    assert ops(program) == ["rms_norm"]
    assert parameters(program) == {"scale": 16}


def test_group_norm_as_an_instance_norm_of_groups(tmp_path: Path) -> None:
    one = helper.make_tensor("one", 1, [2], [1.0, 1.0])
    zero = helper.make_tensor("zero2", 1, [2], [0.0, 0.0])
    nodes = [
        node("Constant", "", "/Constant_output_0", value=one),
        node("Constant", "", "/Constant_1_output_0", value=zero),
        node("Reshape", "x to", "a"),
        node("InstanceNormalization", "a /Constant_output_0 /Constant_1_output_0", "b"),
        node("Shape", "x", "s"),
        node("Reshape", "b s", "c"),
        node("Mul", "c scale", "d"),
        node("Add", "d shift", "y"),
    ]
    stored = [numbers("to", 0, 2, -1), weight("scale", 8, 1, 1), weight("shift", 8, 1, 1)]
    program = read(model(nodes, {"x": [1, 8, 4, 4]}, stored), tmp_path)
    assert ops(program) == ["group_norm"]
    assert only(program, "group_norm").arguments["num_groups"] == 2
    assert parameters(program) == {"scale": 8, "shift": 8}


def test_a_softmax_in_parts(tmp_path: Path) -> None:
    nodes = [
        node("ReduceMax", "x", "m", axes=[1]),
        node("Sub", "x m", "d"),
        node("Exp", "d", "e"),
        node("ReduceSum", "e one_", "s"),
        node("Div", "e s", "y"),
    ]
    program = read(model(nodes, {"x": [1, 10]}, [numbers("one_", 1)]), tmp_path)
    assert ops(program) == ["softmax"]


def test_an_embedding_as_a_comparison_and_a_product(tmp_path: Path) -> None:
    nodes = [
        node("Unsqueeze", "x last", "a"),
        node("Equal", "a all", "b"),
        node("Cast", "b", "c", to=1),
        node("MatMul", "c table", "y"),
    ]
    stored = [numbers("last", -1), numbers("all", *range(20)), weight("table", 20, 8)]
    program = read(model(nodes, {"x": [1, 6]}, stored, kinds={"x": TensorProto.INT64}), tmp_path)
    assert ops(program) == ["embedding"]
    assert shape(program, only(program, "embedding")) == (1, 6, 8)


def test_positions_that_are_rolled_along_two_axes(tmp_path: Path) -> None:
    """Swin's windows moved by 3 of 8, as slices and concatenations."""
    nodes = []
    before = "x"
    for axis in (1, 2):
        nodes += [
            node("Slice", f"{before} three_ end axis{axis} one_", f"a{axis}"),
            node("Slice", f"{before} zero_ three_ axis{axis} one_", f"b{axis}"),
            node("Concat", f"a{axis} b{axis}", f"c{axis}", axis=axis),
        ]
        before = f"c{axis}"
    nodes.append(node("Relu", before, "y"))
    stored = [numbers("three_", 3), numbers("end", 8), numbers("zero_", 0), numbers("one_", 1),
              numbers("axis1", 1), numbers("axis2", 2)]  # fmt: skip
    program = read(model(nodes, {"x": [1, 8, 8, 4]}, stored), tmp_path)
    assert ops(program) == ["roll", "relu"]
    assert only(program, "roll").arguments["shifts"] == [-3, -3]


def test_rows_that_a_mask_leaves_empty_cost_nothing(tmp_path: Path) -> None:
    nodes = [
        node("Softmax", "x", "s"),
        node("IsNaN", "s", "n"),
        node("Where", "n zero s", "w"),
        node("Relu", "w", "y"),
    ]
    assert ops(read(model(nodes, {"x": [1, 8]}, NUMBERS), tmp_path)) == ["softmax", "alias", "relu"]
