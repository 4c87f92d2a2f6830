"""Operators one by one: those of later opsets, those of onnxruntime, whole numbers; figures are by hand."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper

from archcalc.importing.onnx.calls import read_onnx
from archcalc.importing.totals import totals_of
from tests.importing.onnx.models import model, node, only, ops, parameters, read, scalar, shape, weight

MICROSOFT = ("com.microsoft",)


def test_attention_of_opset_23(tmp_path: Path) -> None:
    """Of three axes: 4 heads of 8 in 32 channels, shared keys of 2 heads; 10*10*(32 + 32) multiplications."""
    attention = node("Attention", "q k v", "y", q_num_heads=4, kv_num_heads=2, is_causal=1)
    nodes = [node("MatMul", "x wq", "q"), node("MatMul", "x wk", "k"), node("MatMul", "x wv", "v"), attention]
    stored = [weight("wq", 32, 32), weight("wk", 32, 16), weight("wv", 32, 16)]
    made = model(nodes, {"x": [1, 10, 32]}, stored, opset=23)
    program = read(made, tmp_path)
    found = only(program, "scaled_dot_product_attention")
    assert found.arguments["is_causal"] is True
    assert found.arguments["enable_gqa"] is True
    totals = totals_of(read_onnx(tmp_path / "model.onnx"))
    assert totals.macs == 10 * 32 * (32 + 16 + 16) + 10 * 10 * (32 + 32)
    assert totals.params == 32 * 64


def test_norms_of_later_opsets(tmp_path: Path) -> None:
    nodes = [node("RMSNormalization", "x s", "a", epsilon=1e-6), node("LayerNormalization", "a s b", "y")]
    program = read(model(nodes, {"x": [1, 5, 16]}, [weight("s", 16), weight("b", 16)], opset=23), tmp_path)
    assert ops(program) == ["rms_norm", "layer_norm"]


@pytest.mark.parametrize(("opset", "stored", "expected"), [(18, 4, 8), (21, 16, 32)])
def test_group_norms_scale_groups_before_opset_21(opset: int, stored: int, expected: int, tmp_path: Path) -> None:
    made = model(
        [node("GroupNormalization", "x g.scale g.shift", "y", num_groups=4)],
        {"x": [1, 16, 4, 4]},
        [weight("g.scale", stored), weight("g.shift", stored)],
        opset=opset,
    )
    assert sum(parameters(read(made, tmp_path)).values()) == expected


def test_einsum(tmp_path: Path) -> None:
    made = model([node("Einsum", "a b", "y", equation="bij,bjk->bik")], {"a": [1, 4, 5], "b": [1, 5, 6]})
    assert shape(read(made, tmp_path), only(read(made, tmp_path), "einsum")) == (1, 4, 6)


def test_channels_and_positions_exchanged(tmp_path: Path) -> None:
    crd = read(model([node("DepthToSpace", "x", "y", blocksize=2, mode="CRD")], {"x": [1, 8, 3, 3]}), tmp_path)
    assert ops(crd) == ["pixel_shuffle"]
    dcr = read(model([node("DepthToSpace", "x", "y", blocksize=2)], {"x": [1, 8, 3, 3]}), tmp_path)
    assert ops(dcr) == ["view", "permute", "view"]
    assert dcr.tensors[dcr.outputs["y"]].shape == (1, 2, 6, 6)
    back = read(model([node("SpaceToDepth", "x", "y", blocksize=2)], {"x": [1, 2, 6, 6]}), tmp_path)
    assert back.tensors[back.outputs["y"]].shape == (1, 8, 3, 3)


def test_splits_by_sizes_and_by_number(tmp_path: Path) -> None:
    nodes = [node("Split", "x", "a b c", axis=1, num_outputs=3), node("Concat", "c b a", "y", axis=1)]
    program = read(model(nodes, {"x": [1, 8, 4]}, opset=18), tmp_path)
    assert only(program, "split_with_sizes").arguments["split_sizes"] == [3, 3, 2]


def test_sequences_of_tensors(tmp_path: Path) -> None:
    nodes = [
        node("SplitToSequence", "x two", "s", axis=1),
        node("SequenceAt", "s one", "b"),
        node("SequenceAt", "s zero", "a"),
        node("SequenceConstruct", "b a", "t"),
        node("ConcatFromSequence", "t", "y", axis=1),
    ]
    stored = [
        numpy_helper.from_array(np.asarray(n, np.int64), name) for name, n in (("two", 2), ("one", 1), ("zero", 0))
    ]
    program = read(model(nodes, {"x": [1, 4, 3]}, stored), tmp_path)
    assert ops(program) == ["split_with_sizes", "cat"]


def test_softmax_before_opset_13_is_over_all_axes_from_its_own(tmp_path: Path) -> None:
    program = read(model([node("Softmax", "x", "y", axis=1)], {"x": [1, 4, 5]}, opset=11), tmp_path)
    assert ops(program) == ["view", "softmax", "view"]
    assert shape(program, only(program, "softmax")) == (1, 20)


def test_fused_convolutions_of_onnxruntime(tmp_path: Path) -> None:
    fused = node("FusedConv", "x w b", "y", domain="com.microsoft", activation="Clip", activation_params=[0.0, 6.0])
    made = model([fused], {"x": [1, 3, 8, 8]}, [weight("w", 8, 3, 1, 1), weight("b", 8)], domains=MICROSOFT)
    assert ops(read(made, tmp_path)) == ["convolution", "relu6"]


def test_attention_of_onnxruntime_with_its_weights(tmp_path: Path) -> None:
    fused = node("Attention", "x w b", "y", domain="com.microsoft", num_heads=4)
    made = model([fused], {"x": [1, 10, 32]}, [weight("w", 32, 96), weight("b", 96)], domains=MICROSOFT)
    assert parameters(read(made, tmp_path)) == {"w": 3072, "b": 96}
    totals = totals_of(read_onnx(tmp_path / "model.onnx"))
    assert totals.macs == 10 * 32 * 96 + 2 * 10 * 10 * 32


def test_multi_head_attention_and_the_norm_after_a_sum(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", "x wq", "q"),
        node("MatMul", "x wk", "k"),
        node("MatMul", "x wv", "v"),
        node("MultiHeadAttention", "q k v b", "a", domain="com.microsoft", num_heads=4),
        node("SkipLayerNormalization", "a x g", "y", domain="com.microsoft"),
    ]
    stored = [weight("wq", 32, 32), weight("wk", 32, 32), weight("wv", 32, 32), weight("b", 96), weight("g", 32)]
    program = read(model(nodes, {"x": [1, 10, 32]}, stored, domains=MICROSOFT), tmp_path)
    assert sum(parameters(program).values()) == 3 * 1024 + 96 + 32
    assert "scaled_dot_product_attention" in ops(program)
    assert ops(program)[-2:] == ["add", "layer_norm"]


def test_products_of_onnxruntime(tmp_path: Path) -> None:
    nodes = [
        node("FusedMatMul", "x w", "a", domain="com.microsoft", transB=1, alpha=0.5),
        node("FastGelu", "a b", "y", domain="com.microsoft"),
    ]
    program = read(model(nodes, {"x": [1, 4, 8]}, [weight("w", 16, 8), weight("b", 16)], domains=MICROSOFT), tmp_path)
    assert ops(program) == ["linear", "mul", "add", "gelu"]


def test_weights_of_four_bits(tmp_path: Path) -> None:
    """N*K = 64*32 weights in 64 blocks of 16 bytes."""
    packed = numpy_helper.from_array(np.zeros((64, 1, 16), np.uint8), "w")
    product = node("MatMulNBits", "x w s", "y", domain="com.microsoft", N=64, K=32, bits=4, block_size=32)
    made = model([product], {"x": [1, 4, 32]}, [packed, weight("s", 64)], domains=MICROSOFT)
    program = read(made, tmp_path)
    assert parameters(program) == {"w": 2048}
    assert totals_of(read_onnx(tmp_path / "model.onnx")).macs == 4 * 2048


def test_dynamic_quantisation_is_the_layer_that_it_stands_for(tmp_path: Path) -> None:
    """As onnxruntime quantises a Gemm: whole numbers, a product, scales multiplied back, a bias."""
    nodes = [
        node("DynamicQuantizeLinear", "x", "q s z"),
        node("MatMulInteger", "q w z wz", "i"),
        node("Cast", "i", "f", to=1),
        node("Mul", "s ws", "scale"),
        node("Mul", "f scale", "o"),
        node("Add", "o b", "y"),
    ]
    stored = [
        numpy_helper.from_array(np.zeros((32, 10), np.int8), "w"),
        numpy_helper.from_array(np.asarray(0, np.int8), "wz"),
        scalar("ws", 0.1),
        weight("b", 10),
    ]
    program = read(model(nodes, {"x": [1, 32]}, stored), tmp_path)
    assert ops(program) == ["linear"]
    assert parameters(program) == {"w": 320, "b": 10}


def test_sums_and_pools_of_whole_numbers(tmp_path: Path) -> None:
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("QLinearAdd", "q s z q s z s z", "a", domain="com.microsoft"),
        node("QLinearGlobalAveragePool", "a s z s z", "g", domain="com.microsoft"),
        node("DequantizeLinear", "g s z", "y"),
    ]
    stored = [scalar("s", 0.1), numpy_helper.from_array(np.asarray(0, np.uint8), "z")]
    program = read(model(nodes, {"x": [1, 4, 6, 6]}, stored, domains=MICROSOFT), tmp_path)
    assert ops(program) == ["add", "adaptive_avg_pool2d"]


def test_the_calls_of_a_small_network(tmp_path: Path) -> None:
    """3*8*9 + 8 and 8*10 + 10 parameters; 216 weights at 8*8 positions and 80 more."""
    nodes = [
        node("Conv", "x conv1.weight conv1.bias", "a", pads=[1, 1, 1, 1]),
        node("Relu", "a", "b"),
        node("GlobalAveragePool", "b", "c"),
        node("Flatten", "c", "d"),
        node("Gemm", "d fc.weight fc.bias", "y", transB=1),
    ]
    stored = [
        weight("conv1.weight", 8, 3, 3, 3),
        weight("conv1.bias", 8),
        weight("fc.weight", 10, 8),
        weight("fc.bias", 10),
    ]
    read(model(nodes, {"x": [1, 3, 8, 8]}, stored), tmp_path)
    calls = read_onnx(tmp_path / "model.onnx")
    assert [call.operator.name for call in calls.calls] == ["conv", "relu", "global_avgpool", "linear"]
    assert [call.scope[-1].name for call in (calls.calls[0], calls.calls[-1])] == ["conv1", "fc"]
    totals = totals_of(calls)
    assert (totals.params, totals.macs) == (314, 216 * 64 + 80)


def test_tokens_of_a_network_with_a_table_written_twice(tmp_path: Path) -> None:
    """The table and its transposed copy, of which the file has the numbers: one tensor, 2000*40."""
    table = np.random.default_rng(0).normal(size=(2000, 40)).astype(np.float32)
    stored = [numpy_helper.from_array(table, "wte"), numpy_helper.from_array(table.T.copy(), "onnx::MatMul_9")]
    nodes = [node("Gather", "wte x", "a"), node("MatMul", "a onnx::MatMul_9", "y")]
    program = read(model(nodes, {"x": [1, 6]}, stored, kinds={"x": TensorProto.INT64}), tmp_path)
    assert parameters(program) == {"wte": 80_000}
    assert any("transposed" in note for note in program.notes)
    stored[1] = numpy_helper.from_array(table.T.copy() + 1, "onnx::MatMul_9")
    program = read(model(nodes, {"x": [1, 6]}, stored, kinds={"x": TensorProto.INT64}), tmp_path)
    assert parameters(program) == {"wte": 80_000, "onnx::MatMul_9": 80_000}


def test_a_mask_is_no_parameter_and_a_bias_of_scores_is_one(tmp_path: Path) -> None:
    mask = np.triu(np.full((1, 1, 90, 90), -np.inf, np.float32), 1)
    bias = np.random.default_rng(0).normal(size=(1, 2, 90, 90)).astype(np.float32)
    for values, expected in ((mask, {}), (bias, {"m": bias.size})):
        nodes = [node("MatMul", "q k", "s"), node("Add", "s m", "a"), node("Softmax", "a", "y")]
        made = model(nodes, {"q": [1, 2, 90, 8], "k": [1, 2, 8, 90]}, [numpy_helper.from_array(values, "m")])
        assert parameters(read(made, tmp_path)) == expected


def test_output_without_a_form_is_left_out_and_said(tmp_path: Path) -> None:
    nodes = [node("Conv", "x w", "y"), node("NonZero", "y", "z")]
    made = model(nodes, {"x": [1, 3, 8, 8]}, [weight("w", 8, 3, 1, 1)], outputs=("y", "z"))
    path = tmp_path / "model.onnx"
    path.write_bytes(made.SerializeToString())
    calls = read_onnx(path)
    assert calls.calls[0].operator.name == "conv"
    assert next(iter(calls.outputs)) == "y"


def test_a_network_of_which_nothing_can_be_said_has_its_parameters(tmp_path: Path) -> None:
    """Tokens that decide where numbers are written: one opaque part, with the one matrix and its work."""
    nodes = [
        node("MatMul", "x w", "a"),
        node("ScatterElements", "a t a", "b", axis=1),
        node("Relu", "b", "y"),
    ]
    inputs = {"x": [1, 4], "t": [1, 5]}
    path = tmp_path / "model.onnx"
    made = model(nodes, inputs, [weight("w", 4, 5)], kinds={"t": TensorProto.INT64})
    path.write_bytes(made.SerializeToString())
    calls = read_onnx(path)
    assert [call.operator.name for call in calls.calls] == ["opaque"]
    totals = totals_of(calls)
    assert totals.params == 20
    assert totals.bounds == {"macs"}
    assert any("no form in the language" in note for note in calls.notes)


def test_an_unpooling_reads_the_places_of_its_pooling(tmp_path: Path) -> None:
    """As in SegNet: 8x8 to 4x4, a convolution, and back."""
    nodes = [
        node("MaxPool", "x", "a places", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "a w", "b", pads=[1, 1, 1, 1]),
        node("MaxUnpool", "b places", "c", kernel_shape=[2, 2], strides=[2, 2]),
        node("Relu", "c", "y"),
    ]
    path = tmp_path / "model.onnx"
    path.write_bytes(model(nodes, {"x": [1, 3, 8, 8]}, [weight("w", 3, 3, 3, 3)]).SerializeToString())
    calls = read_onnx(path)
    assert [call.operator.name for call in calls.calls] == ["maxpool", "conv", "unpool", "relu"]
    assert calls.calls[-1].shape.spatial == (8, 8)


def test_a_recurrence_through_another_function_is_opaque(tmp_path: Path) -> None:
    """16 + 64 weights; an Elman layer of ReLUs is none of the operators."""
    stored = [weight("W", 1, 8, 2), weight("R", 1, 8, 8)]
    for function, expected in (("Tanh", "rnn"), ("Relu", "opaque")):
        made = model([node("RNN", "x W R", "y h", hidden_size=8, activations=[function])], {"x": [5, 1, 2]}, stored)
        path = tmp_path / "model.onnx"
        path.write_bytes(made.SerializeToString())
        calls = read_onnx(path)
        assert {call.operator.name for call in calls.calls} == {expected}
        assert totals_of(calls).params == 80


def test_old_arguments_are_attributes(tmp_path: Path) -> None:
    """Opset 9: Clip, Slice, Squeeze and Upsample have their arguments as attributes."""
    nodes = [
        node("Clip", "x", "a", min=0.0, max=6.0),
        node("Slice", "a", "b", axes=[1], starts=[0], ends=[2]),
        node("Upsample", "b s", "c", mode="nearest"),
        node("GlobalAveragePool", "c", "d"),
        node("Squeeze", "d", "y", axes=[2, 3]),
    ]
    stored = [helper.make_tensor("s", 1, [4], [1.0, 1.0, 2.0, 2.0])]
    program = read(model(nodes, {"x": [1, 4, 3, 3]}, stored, opset=9), tmp_path)
    assert ops(program) == ["relu6", "slice", "upsample_nearest2d", "adaptive_avg_pool2d", "view"]
    assert program.tensors[program.outputs["y"]].shape == (1, 2)
