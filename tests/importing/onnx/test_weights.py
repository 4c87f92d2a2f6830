"""Weights: every slot is traced to the tensor of the file, once a tensor, wherever it stands."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from onnx import ModelProto, TensorProto, helper, numpy_helper

import archcalc
from archcalc.importing.neutral import Ref
from archcalc.python.answer import Answer
from archcalc.results.imported import ImportedModel
from tests.importing.onnx.models import model, node, numbers, only, ops, parameters, read, scalar, shape, weight


def constant(name: str, *extents: int) -> object:
    return node("Constant", "", name, value=weight("", *extents))


def import_file(made: ModelProto, folder: Path) -> Answer[ImportedModel]:
    """What a file that is written comes back as."""
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    return archcalc.import_model(str(folder / "model.onnx"))


def test_weights_in_constant_nodes(tmp_path: Path) -> None:
    """PaddlePaddle has no initializer at all; its biases are sums with (1, channels, 1, 1)."""
    nodes = [
        constant("w", 16, 3, 3, 3),
        constant("b", 1, 16, 1, 1),
        node("Conv", "x w", "a"),
        node("Add", "a b", "y"),
    ]
    program = read(model(nodes, {"x": [1, 3, 8, 8]}), tmp_path)
    assert ops(program) == ["convolution"]
    assert parameters(program) == {"w": 432, "b": 16}


def test_weights_behind_dequantisation(tmp_path: Path) -> None:
    stored = [
        numpy_helper.from_array(np.zeros((16, 3, 3, 3), np.int8), "q"),
        scalar("s", 0.5),
        numpy_helper.from_array(np.asarray(0, np.int8), "z"),
    ]
    nodes = [
        node("QuantizeLinear", "x s z", "xq"),
        node("DequantizeLinear", "xq s z", "xd"),
        node("DequantizeLinear", "q s z", "w"),
        node("Conv", "xd w", "y"),
    ]
    program = read(model(nodes, {"x": [1, 3, 8, 8]}, stored), tmp_path)
    assert ops(program) == ["convolution"]
    assert parameters(program) == {"q": 432}
    assert any("quantised" in note for note in program.notes)


def test_whole_number_convolutions_and_products(tmp_path: Path) -> None:
    stored = [
        numpy_helper.from_array(np.zeros((16, 3, 3, 3), np.int8), "q"),
        numpy_helper.from_array(np.zeros((16 * 36, 10), np.int8), "m"),
        numpy_helper.from_array(np.zeros(16, np.int32), "b"),
        scalar("s", 0.5),
        numpy_helper.from_array(np.asarray(0, np.uint8), "z"),
    ]
    nodes = [
        node("QuantizeLinear", "x s z", "xq"),
        node("QLinearConv", "xq s z q s z s z b", "c"),
        node("Flatten", "c", "f"),
        node("MatMulInteger", "f m", "y"),
    ]
    program = read(model(nodes, {"x": [1, 3, 8, 8]}, stored), tmp_path)
    assert ops(program) == ["convolution", "view", "linear"]
    assert parameters(program) == {"q": 432, "b": 16, "m": 5760}


def test_an_lstm_in_slices_as_torch_writes_it(tmp_path: Path) -> None:
    """i, f, g, o are put into ONNX's order i, o, f, c: W (4*5, 3), R (4*5, 5) and biases 2*4*5, 60 + 100 + 40."""
    stored = [weight("w", 20, 3), weight("r", 20, 5), weight("wb", 20), weight("rb", 20), numbers("zero", 0)]
    nodes = []
    for name, parts in (("w", "W"), ("r", "R")):
        for gate, (start, end) in enumerate(((0, 5), (15, 20), (5, 15))):
            stored += [numbers(f"{name}{gate}s", start), numbers(f"{name}{gate}e", end)]
            nodes.append(node("Slice", f"{name} {name}{gate}s {name}{gate}e zero", f"{name}{gate}"))
        nodes.append(node("Concat", f"{name}0 {name}1 {name}2", f"{name}c", axis=0))
        nodes.append(node("Unsqueeze", f"{name}c zero", parts))
    nodes += [
        node("Concat", "wb rb", "bc", axis=0),
        node("Unsqueeze", "bc zero", "B"),
        node("LSTM", "x W R B", "y h c", hidden_size=5),
    ]
    program = read(model(nodes, {"x": [7, 1, 3]}, stored), tmp_path)
    layer = only(program, "module")
    assert layer.arguments["settings"]["hidden_size"] == 5
    assert shape(program, layer) == (7, 1, 5)
    assert sorted(parameters(program).items()) == [("r", 100), ("w", 60), ("wb + rb", 40)]


def test_a_first_state_that_another_layer_gives(tmp_path: Path) -> None:
    """A decoder begins with what its encoder ends with: both are counted, and both inputs are read."""
    shapes = {"a": [6, 1, 3], "b": [5, 1, 3]}
    stored = [weight(f"{way}{side}", 1, 12, size) for way in "ed" for side, size in (("W", 3), ("R", 4))]
    nodes = [node("GRU", "a eW eR", "ya h", hidden_size=4), node("GRU", "b dW dR _ _ h", "y", hidden_size=4)]
    found = import_file(model(nodes, shapes, stored), tmp_path)
    # 3 gates of 4 channels, each of 3 inputs and 4 states, at 6 and at 5 positions
    assert found.macs == 12 * (3 + 4) * (6 + 5)
    assert found.text.count("gru(4") == 2
    assert "initial=" in found.text

    both = [weight(f"{way}{side}", 2, 12, size) for way in "ed" for side, size in (("W", 3), ("R", 4))]
    nodes = [
        node("GRU", "a eW eR", "ya h", hidden_size=4, direction="bidirectional"),
        node("GRU", "b dW dR _ _ h", "y", hidden_size=4, direction="bidirectional"),
    ]
    found = import_file(model(nodes, shapes, both), tmp_path)
    assert found.macs == 2 * 12 * (3 + 4) * (6 + 5)
    assert "initial=" in found.text
    assert found.params == 2 * 2 * 12 * (3 + 4)


def test_both_ways(tmp_path: Path) -> None:
    """(length, ways, batch, hidden) is (length, batch, 2*hidden) cut into two and turned."""
    stored = [weight("W", 2, 12, 3), weight("R", 2, 12, 4)]
    made = model([node("GRU", "x W R", "y", hidden_size=4, direction="bidirectional")], {"x": [6, 1, 3]}, stored)
    program = read(made, tmp_path)
    layer = only(program, "module")
    assert layer.arguments["settings"]["bidirectional"] is True
    assert layer.arguments["settings"]["bias"] is False
    assert shape(program, layer) == (6, 1, 8)
    assert program.tensors[program.outputs["y"]].shape == (6, 2, 1, 4)


def test_a_matrix_the_other_way_round_is_still_the_tensor(tmp_path: Path) -> None:
    nodes = [node("Transpose", "w", "t", perm=[1, 0]), node("MatMul", "x t", "y")]
    program = read(model(nodes, {"x": [1, 3]}, [weight("w", 5, 3)]), tmp_path)
    assert ops(program) == ["linear"]
    assert parameters(program) == {"w": 15}


def test_a_product_and_a_sum_are_one_layer(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x w", "a"), node("Add", "b a", "y")]
    program = read(model(nodes, {"x": [1, 4, 3]}, [weight("w", 3, 5), weight("b", 5)]), tmp_path)
    assert ops(program) == ["linear"]
    assert parameters(program) == {"w": 15, "b": 5}


def test_a_product_that_is_read_twice_keeps_its_sum_apart(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x w", "a"), node("Add", "a b", "c"), node("Mul", "a c", "y")]
    program = read(model(nodes, {"x": [1, 4, 3]}, [weight("w", 3, 5), weight("b", 5)]), tmp_path)
    assert ops(program) == ["linear", "add", "mul"]


def test_a_table_that_is_also_the_last_layer_is_one_tensor(tmp_path: Path) -> None:
    nodes = [
        node("Gather", "table x", "a"),
        node("Transpose", "table", "t", perm=[1, 0]),
        node("MatMul", "a t", "y"),
    ]
    made = model(nodes, {"x": [1, 6]}, [weight("table", 100, 8)], kinds={"x": TensorProto.INT64})
    program = read(made, tmp_path)
    assert ops(program) == ["embedding", "linear"]
    assert parameters(program) == {"table": 800}
    names = [program.tensors[item.arguments["weight"].tensor].name for item in program.operations]
    assert names == ["table", "table"]


def test_a_weight_of_two_layers_is_one_tensor(tmp_path: Path) -> None:
    nodes = [node("Conv", "x w", "a"), node("Conv", "a w", "y")]
    program = read(model(nodes, {"x": [1, 3, 8, 8]}, [weight("w", 3, 3, 1, 1)]), tmp_path)
    assert parameters(program) == {"w": 9}


def test_statistics_of_norms_are_buffers(tmp_path: Path) -> None:
    stored = [weight(name, 4) for name in ("scale", "shift", "mean", "var")]
    made = model(
        [node("BatchNormalization", "x scale shift mean var", "y", epsilon=0.001)], {"x": [1, 4, 2, 2]}, stored
    )
    program = read(made, tmp_path)
    assert parameters(program) == {"scale": 4, "shift": 4}
    assert {tensor.name for tensor in program.tensors if tensor.kind == "buffer"} == {"mean", "var"}
    assert only(program, "batch_norm").arguments["eps"] == 0.001


def test_scales_that_the_exporter_merged_are_of_each_layer(tmp_path: Path) -> None:
    """Two norms in two modules with equal scales, of which the file holds one: 4 elements more than it stores."""
    nodes = [
        node("LayerNormalization", "x one b1", "a", name="/first/LayerNormalization"),
        node("LayerNormalization", "a one b2", "y", name="/second/LayerNormalization"),
    ]
    stored = [weight("one", 4), weight("b1", 4), weight("b2", 4)]
    program = read(model(nodes, {"x": [1, 3, 4]}, stored), tmp_path)
    assert sum(parameters(program).values()) == 16
    assert any("4 parameters less" in note for note in program.notes)


def test_numbers_of_formulas_are_no_parameters(tmp_path: Path) -> None:
    nodes = [node("Mul", "x half", "a"), node("Add", "a one", "y")]
    program = read(model(nodes, {"x": [1, 3]}, [scalar("half", 0.5), scalar("one", 1)]), tmp_path)
    assert parameters(program) == {}
    assert [item.arguments["other"] for item in program.operations] == [0.5, 1]


def test_sparse_weights_have_their_dense_shape(tmp_path: Path) -> None:
    made = model([node("MatMul", "x w", "y")], {"x": [1, 4]})
    values = helper.make_tensor("w", 1, [2], [1.0, 2.0])
    indices = helper.make_tensor("w_indices", 7, [2], [0, 5])
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4, 3]))
    program = read(made, tmp_path)
    assert parameters(program) == {"w": 12}


def test_embedding_reads_tokens(tmp_path: Path) -> None:
    made = model([node("Gather", "t x", "y")], {"x": [1, 6]}, [weight("t", 10, 4)], kinds={"x": TensorProto.INT64})
    program = read(made, tmp_path)
    found = only(program, "embedding")
    assert found.arguments["indices"] == Ref(program.inputs["x"])
    assert shape(program, found) == (1, 6, 4)
    assert program.input_words == {"x": "tokens"}
