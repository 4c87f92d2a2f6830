"""Constants folded, branches taken, loops run, functions written out, names of modules."""

from pathlib import Path

import pytest

pytest.importorskip("onnx")

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from archcalc.importing.onnx.calls import read_onnx
from archcalc.importing.totals import totals_of
from archcalc.source import SpecError
from tests.importing.onnx.models import (
    model,
    node,
    numbers,
    only,
    ops,
    parameters,
    read,
    scalar,
    shape,
    subgraph,
    value,
    weight,
)


def test_a_shape_that_is_computed(tmp_path: Path) -> None:
    """Shape, Gather, Unsqueeze, Concat, Reshape, as torch's exporter writes `x.view(x.size(0), -1)`."""
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n", axis=0),
        node("Unsqueeze", "n axes", "n1"),
        node("Concat", "n1 rest", "to", axis=0),
        node("Reshape", "x to", "f"),
        node("Gemm", "f w", "y", transB=1),
    ]
    stored = [
        numpy_helper.from_array(np.asarray(0, np.int64), "zero"),
        numbers("axes", 0),
        numbers("rest", -1),
        weight("w", 10, 32),
    ]
    program = read(model(nodes, {"x": ["batch", 2, 4, 4]}, stored), tmp_path)
    assert ops(program) == ["view", "linear"]
    assert shape(program, only(program, "view")) == (1, 32)


def test_expand_to_a_shape_that_is_chosen(tmp_path: Path) -> None:
    """ConstantOfShape, Mul, Equal, Where, Expand: a class token as torch's exporter repeats it over the batch."""
    nodes = [
        node("ConstantOfShape", "three", "ones", value=helper.make_tensor("v", TensorProto.INT64, [1], [1])),
        node("Mul", "ones minus", "m"),
        node("Equal", "asked m", "is"),
        node("Where", "is ones asked", "to"),
        node("Expand", "token to", "t"),
        node("Concat", "t x", "y", axis=1),
    ]
    stored = [numbers("three", 3), numbers("minus", -1), numbers("asked", 1, -1, -1), weight("token", 1, 1, 8)]
    program = read(model(nodes, {"x": ["n", 4, 8]}, stored), tmp_path)
    assert ops(program) == ["cat"]
    assert parameters(program) == {"token": 8}
    assert program.tensors[program.outputs["y"]].shape == (1, 5, 8)


BRANCH = {
    "then_branch": subgraph([node("Conv", "x w1", "t")], ["t"], stored=[weight("w1", 8, 3, 3, 3)]),
    "else_branch": subgraph([node("Conv", "x w2", "e")], ["e"], stored=[weight("w2", 4, 3, 3, 3)]),
}


def test_a_known_condition_takes_its_branch(tmp_path: Path) -> None:
    for truth, expected in ((True, {"w1": 216}), (False, {"w2": 108})):
        stored = [numpy_helper.from_array(np.asarray(truth), "c")]
        program = read(model([node("If", "c", "y", **BRANCH)], {"x": [1, 3, 8, 8]}, stored), tmp_path)
        assert parameters(program) == expected
        assert not program.notes


def test_an_unknown_condition_takes_the_larger_branch_and_says_so(tmp_path: Path) -> None:
    nodes = [node("Equal", "rate k", "c"), node("If", "c", "y", name="rates", **BRANCH)]
    stored = [numpy_helper.from_array(np.asarray(16000, np.int64), "k")]
    made = model(nodes, {"x": [1, 3, 8, 8], "rate": []}, stored, kinds={"rate": TensorProto.INT64})
    program = read(made, tmp_path)
    assert parameters(program) == {"w1": 216}
    (said,) = [note for note in program.notes if "`rates`" in note]
    assert "then branch, with 216 stored numbers" in said
    assert "else branch has 108" in said
    assert said.endswith("--input rate=NUMBER decides")
    assert parameters(read(made, tmp_path, {"rate": 8000})) == {"w2": 108}


BODY = subgraph(
    [node("MatMul", "h w", "o"), node("Identity", "g", "g2")],
    ["g2", "o"],
    [value("i", [], TensorProto.INT64), value("g", [], TensorProto.BOOL), value("h", [1, 4])],
)


def test_a_loop_of_three_trips_is_run_three_times(tmp_path: Path) -> None:
    stored = [
        weight("w", 4, 4),
        numpy_helper.from_array(np.asarray(3, np.int64), "n"),
        numpy_helper.from_array(np.asarray(True), "go"),
    ]
    program = read(model([node("Loop", "n go x", "y", body=BODY)], {"x": [1, 4]}, stored), tmp_path)
    assert ops(program) == ["linear"] * 3
    assert parameters(program) == {"w": 16}


def test_a_loop_of_unknown_trips_is_one_at_least(tmp_path: Path) -> None:
    stored = [weight("w", 4, 4), numpy_helper.from_array(np.asarray(True), "go")]
    made = model(
        [node("Loop", "n go x", "y", body=BODY)], {"x": [1, 4], "n": []}, stored, kinds={"n": TensorProto.INT64}
    )
    program = read(made, tmp_path)
    assert ops(program) == ["linear", "opaque"]
    assert totals_of(read_onnx(tmp_path / "model.onnx")).bounds == {"macs"}
    assert any("at least" in note for note in program.notes)


def test_a_scan_runs_along_its_axis(tmp_path: Path) -> None:
    body = subgraph(
        [node("MatMul", "e w", "a"), node("Add", "a h", "h2"), node("Identity", "h2", "o")],
        ["h2", "o"],
        [value("h", [1, 4]), value("e", [1, 3])],
    )
    made = model(
        [node("Scan", "h0 x", "last y", body=body, num_scan_inputs=1)],
        {"x": [5, 1, 3], "h0": [1, 4]},
        [weight("w", 3, 4)],
        outputs=("y",),
    )
    program = read(made, tmp_path)
    assert ops(program).count("linear") == 5
    assert program.tensors[program.outputs["y"]].shape == (5, 1, 4)


def test_functions_of_the_file_are_written_out(tmp_path: Path) -> None:
    body = [helper.make_node("MatMul", ["X", "W"], ["a"]), helper.make_node("LeakyRelu", ["a"], ["Y"])]
    leaky = body[1]
    reference = leaky.attribute.add()
    reference.name, reference.ref_attr_name, reference.type = "alpha", "slope", 1
    dense = helper.make_function("own", "Dense", ["X", "W"], ["Y"], body, [helper.make_opsetid("", 17)], ["slope"])
    nodes = [node("Dense", "x w1", "a", domain="own", name="fc1", slope=0.2),
             node("Dense", "a w2", "y", domain="own", name="fc2", slope=0.3)]  # fmt: skip
    made = model(nodes, {"x": [1, 4]}, [weight("w1", 4, 4), weight("w2", 4, 4)], functions=[dense], domains=["own"])
    program = read(made, tmp_path)
    assert ops(program) == ["linear", "leaky_relu"] * 2
    assert [item.arguments["negative_slope"] for item in program.operations[1::2]] == [0.2, 0.3]
    assert [(item.scope[0].name, item.scope[0].kind) for item in program.operations[::2]] == [
        ("fc1", "Dense"),
        ("fc2", "Dense"),
    ]


def test_an_operator_without_a_rule_is_opaque_with_its_parameters(tmp_path: Path) -> None:
    nodes = [node("Det", "x", "d"), node("Magic", "x w", "y", domain="some.where")]
    made = model(nodes, {"x": [1, 3, 3]}, [weight("w", 7)], outputs=("d", "y"), domains=["some.where"])
    program = read(made, tmp_path)
    assert ops(program) == ["opaque", "opaque"]
    magic = program.operations[1]
    assert "some.where.Magic" in magic.arguments["reason"]
    assert parameters(program) == {"w": 7}
    assert shape(program, program.operations[0]) == (1,)  # as onnx infers it


def test_names_by_torchscript(tmp_path: Path) -> None:
    """Each part repeats the one before: `conv.0.0` lies in `conv`, which lies in `features.0`."""
    conv = node("Conv", "x w", "y", name="/features/features.0/conv/conv.0/conv.0.0/Conv")
    made = model([conv], {"x": [1, 3, 8, 8]}, [weight("w", 3, 3, 1, 1)])
    program = read(made, tmp_path)
    assert [part.name for part in only(program, "convolution").scope] == ["features", "0", "conv", "0", "0"]


def test_names_and_classes_by_fx_and_a_folded_norm(tmp_path: Path) -> None:
    """A convolution into which `bn1` was folded has its scope; the weight says that it is `conv1`."""
    conv = node("Conv", "x layer1.0.conv1.weight", "y", name="node_Conv_1")
    for key, text in (
        ("pkg.torch.onnx.name_scopes", "['', 'layer1', 'layer1.0', 'layer1.0.bn1', 'batch_norm']"),
        ("pkg.torch.onnx.class_hierarchy", "['m.Net', 'torch.Sequential', 'm.Block', 'torch.BatchNorm2d', 'aten.x']"),
    ):
        entry = conv.metadata_props.add()
        entry.key, entry.value = key, text
    made = model([conv], {"x": [1, 3, 8, 8]}, [weight("layer1.0.conv1.weight", 3, 3, 1, 1)])
    (found,) = read(made, tmp_path).operations
    assert [part.name for part in found.scope] == ["layer1", "0", "conv1"]
    assert [part.kind for part in found.scope] == ["Sequential", "Block", "Conv2d"]


def test_a_module_that_runs_twice_has_two_runs(tmp_path: Path) -> None:
    nodes = [
        node("Relu", "x", "a", name="/block/relu/Relu"),
        node("Sigmoid", "a", "b", name="/block/Sigmoid"),
        node("Relu", "b", "y", name="/block/relu/Relu_1"),
    ]
    program = read(model(nodes, {"x": [1, 3]}), tmp_path)
    first, _, last = program.operations
    assert first.scope[-1].instance == last.scope[-1].instance
    assert (first.scope[-1].run, last.scope[-1].run) == (0, 1)
    assert (first.scope[0].run, last.scope[0].run) == (0, 0)


def test_what_no_output_needs_is_left_out(tmp_path: Path) -> None:
    nodes = [node("Relu", "x", "y"), node("Sigmoid", "x", "unused")]
    assert ops(read(model(nodes, {"x": [1, 3]}), tmp_path)) == ["relu"]


def test_extents_that_depend_on_values_are_opaque_and_said(tmp_path: Path) -> None:
    nodes = [node("Relu", "x", "a"), node("NonZero", "a", "n"), node("Cast", "n", "y", to=1)]
    program = read(model(nodes, {"x": [1, 3]}), tmp_path)
    assert "opaque" in ops(program)


def test_a_graph_without_an_output_that_depends_on_an_input(tmp_path: Path) -> None:
    made = model([node("Relu", "x", "a"), node("Identity", "c", "y")], {"x": [1, 3]}, [scalar("c", 1)])
    with pytest.raises(SpecError) as caught:
        read(made, tmp_path)
    assert caught.value.diagnostics[0].code == "bad-graph"
